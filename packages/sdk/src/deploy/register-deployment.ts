import { relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { createClient } from "@downbeat/client";
import { flowDefinitionOf, type FlowDefinition } from "../flow-definition.ts";
import { parseProfile } from "../profile/parse-profile.ts";
import { signerOfProfile } from "../profile/profile-signer.ts";
import type { ProfileSource } from "../profile/read-profile.ts";
import { openKeys } from "../serve/serve-keys.ts";
import { EntrypointError } from "../worker/load-flow.ts";
import { contentHash } from "./content-hash.ts";
import type { Deployed, DeployOptions } from "./deploy.ts";
import { deploymentSpec, type DeployableFlow, type DeploymentSource } from "./deployment-spec.ts";
import { gitRevision } from "./git-revision.ts";

export type DeploymentRequest = {
  readonly definition: FlowDefinition;
  /** Name of the deployment. */
  readonly deployment: string;
  readonly options: DeployOptions;
};

/** Finds the flow in its project, seals what is sealed, and registers it. */
export async function registerDeployment(
  source: ProfileSource,
  { definition, deployment, options }: DeploymentRequest,
): Promise<Deployed> {
  const { module, export: exportName, project = process.cwd(), name: _, ...config } = options;
  const modulePath = pathOf(module);
  const path = pathIn(project, modulePath);
  const flow: DeployableFlow = {
    flowName: definition.name,
    path,
    export: exportName ?? (await exportOf(definition.name, String(module))),
    contentHash: await contentHash(project, path),
    gitSha: await gitRevision(project),
    parameterSchema: definition.parametersJsonSchema(),
    isBackground: definition.isBackground === true,
    exclusive: definition.exclusive === true,
  };
  await register(source, { flow, name: deployment, config });
  const { contentHash: hash, gitSha } = flow;
  return { flow: definition.name, deployment, contentHash: hash, gitSha };
}

async function register(source: ProfileSource, deployment: DeploymentSource): Promise<void> {
  const profile = parseProfile(source);
  const client = createClient({ apiUrl: profile.apiUrl, apiKey: profile.apiKey });
  try {
    const { dataKey } = await openKeys(client, profile);
    const signer = await signerOfProfile(profile);
    const { workspaceId } = dataKey;
    const signing = signer && { signer, workspaceId, now: new Date() };
    const spec = await deploymentSpec(deployment, { dataKey, signing });
    await client.call("deploy", { body: { deployments: [spec] } });
  } finally {
    await client.close();
  }
}

function pathOf(module: string | URL): string {
  const url = String(module);
  if (url.startsWith("file:")) return fileURLToPath(url);
  throw new EntrypointError(
    `deploy() was given the module ${url}; it takes a file URL: new URL("./flow.ts", import.meta.url)`,
  );
}

function pathIn(project: string, modulePath: string): string {
  const path = relative(project, modulePath).split(sep).join("/");
  if (!path.startsWith("../") && !path.startsWith("/") && !/^\w:/.test(path)) return path;
  throw new EntrypointError(
    `${modulePath} does not lie in the project ${project}, where agents look for it; pass its directory as project`,
  );
}

async function exportOf(flowName: string, url: string): Promise<string> {
  const exported = (await import(url)) as Record<string, unknown>;
  const found = Object.keys(exported).find(
    (name) => flowDefinitionOf(exported[name])?.name === flowName,
  );
  if (found !== undefined) return found;
  throw new EntrypointError(`${url} exports no flow "${flowName}"`);
}
