import { createHash, randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { dirname, relative, sep } from "node:path";
import { createClient, type Client } from "@downbeat/client";
import type { DeploymentSpec } from "@downbeat/contract";
import type { DataKey } from "@downbeat/seal";
import { contentHash } from "../deploy/content-hash.ts";
import { deploymentSpec } from "../deploy/deployment-spec.ts";
import { gitRevision } from "../deploy/git-revision.ts";
import { registerAll } from "../deploy/register-all.ts";
import type { Profile } from "../profile/stored-profile.ts";
import { createAgentKey } from "./agent-key.ts";
import { openKeys, ServeKeys } from "./serve-keys.ts";
import { labelOf, nameOfServed, type ServedFlow } from "./served-flow.ts";

/** What a process that serves flows works with. */
export type ServeConnection = {
  /** Speaks as the agent that this process has become. */
  readonly client: Client;
  readonly keys: ServeKeys;
};

/**
 * Registers flows as deployments of a pool and joins the pool as an agent that lives as long as this process.
 *
 * @throws DownbeatError `key_missing`, `key_wrong`, `role_insufficient` when the API key is not an admin's, `unreachable`
 */
export async function registerServed(
  profile: Profile,
  flows: readonly ServedFlow[],
  poolName: string,
): Promise<ServeConnection> {
  const { apiUrl, apiKey } = profile;
  const owner = createClient({ apiUrl, apiKey });
  try {
    const held = await openKeys(owner, profile);
    const place = { poolName, script: await versionOfScript(), dataKey: held.dataKey };
    const deployments = await Promise.all(flows.map((flow) => specOf(flow, place)));
    await owner.call("createPool", { body: { name: poolName } });
    await registerAll(owner, deployments);
    const client = await enrol(owner, apiUrl, poolName);
    return { client, keys: new ServeKeys(client, profile, held) };
  } finally {
    await owner.close();
  }
}

type Place = {
  readonly poolName: string;
  readonly script: { readonly contentHash: string; readonly gitSha: string | null };
  readonly dataKey: DataKey;
};

function specOf(flow: ServedFlow, { poolName, script, dataKey }: Place): Promise<DeploymentSpec> {
  const { definition, deploymentName, config } = flow;
  const schema = definition.parametersJsonSchema();
  const identity = JSON.stringify([nameOfServed(flow), schema, script.contentHash]);
  return deploymentSpec(
    {
      name: deploymentName,
      config: { ...config, pool: poolName, requiredLabels: [labelOf(flow)] },
      flow: {
        flowName: definition.name,
        // No file is named: whoever serves the flow has it in memory, and nobody else is to run it.
        path: "(served)",
        export: definition.name,
        contentHash: createHash("sha256").update(identity).digest("hex"),
        gitSha: script.gitSha,
        parameterSchema: schema,
        isBackground: definition.isBackground === true,
        exclusive: false,
      },
    },
    { dataKey },
  );
}

/** Of the script that serves and of what it imports by relative paths; nothing where there is no script (a REPL). */
async function versionOfScript(): Promise<Place["script"]> {
  const script = process.argv[1];
  if (script === undefined) return { contentHash: "", gitSha: null };
  const fromHere = relative(process.cwd(), script);
  const root = fromHere.startsWith("..") ? dirname(script) : process.cwd();
  const path = relative(root, script).split(sep).join("/");
  // No file of that name: started in a way of its own.
  const hash = await contentHash(root, path).catch(() => "");
  return { contentHash: hash, gitSha: hash === "" ? null : await gitRevision(root) };
}

async function enrol(owner: Client, apiUrl: string, poolName: string): Promise<Client> {
  const key = await createAgentKey();
  const { token } = await owner.call("createEnrolmentToken", { params: { poolName } });
  const body = { token, name: agentName(), publicJwk: key.publicJwk, ephemeral: true };
  const { agentId } = await owner.call("enrolAgent", { body });
  return createClient({ apiUrl, signAssertion: () => key.assert(agentId) });
}

/**
 * One for each process: another agent of the same name would take its identity away. Containers may share both the host's name
 * and the process id.
 */
function agentName(): string {
  const host = hostname().replaceAll(/[^\w.-]/g, "-");
  return `serve-${host.slice(0, 60)}-${randomBytes(4).toString("hex")}`;
}
