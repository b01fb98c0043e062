import { createHash } from "node:crypto";
import { hostname } from "node:os";
import { dirname, relative, sep } from "node:path";
import { createClient, type Client } from "@downbeat/client";
import type { DeploymentSpec } from "@downbeat/contract";
import { sealJson, type DataKey } from "@downbeat/seal";
import { contentHash } from "../deploy/content-hash.ts";
import type { Profile } from "../profile/parse-profile.ts";
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
    const place = { poolName, codeHash: await hashOfScript(), dataKey: held.dataKey };
    const deployments = await Promise.all(flows.map((flow) => specOf(flow, place)));
    await owner.call("createPool", { body: { name: poolName } });
    await owner.call("deploy", { body: { deployments } });
    const client = await enrol(owner, apiUrl, poolName);
    return { client, keys: new ServeKeys(client, profile, held) };
  } finally {
    await owner.close();
  }
}

type Place = {
  readonly poolName: string;
  readonly codeHash: string;
  readonly dataKey: DataKey;
};

async function specOf(
  flow: ServedFlow,
  { poolName, codeHash, dataKey }: Place,
): Promise<DeploymentSpec> {
  const { definition, deploymentName, tags, parameters } = flow;
  const dep = nameOfServed(flow);
  const schema = definition.parametersJsonSchema();
  // No file is named: whoever serves the flow has it in memory, and nobody else is to run it.
  const entrypoint = { path: "(served)", export: definition.name };
  const defaults = parameters ?? {};
  return {
    flowName: definition.name,
    name: deploymentName,
    poolName,
    queueName: "default",
    tags: [...tags],
    contentHash: createHash("sha256")
      .update(JSON.stringify([dep, schema, codeHash]))
      .digest("hex"),
    gitSha: null,
    parameterSchema: schema as DeploymentSpec["parameterSchema"],
    entrypoint: await sealJson(dataKey, { kind: "entrypoint", dep }, entrypoint),
    defaultParameters:
      Object.keys(defaults).length === 0
        ? null
        : await sealJson(dataKey, { kind: "defaults", dep }, defaults),
    retry: null,
    timeoutSeconds: null,
    exclusive: false,
    requiredLabels: [labelOf(flow)],
  };
}

/** Of the script that serves and of what it imports by relative paths; empty where there is no script (a REPL). */
async function hashOfScript(): Promise<string> {
  const script = process.argv[1];
  if (script === undefined) return "";
  const fromHere = relative(process.cwd(), script);
  const root = fromHere.startsWith("..") ? dirname(script) : process.cwd();
  const path = relative(root, script).split(sep).join("/");
  return contentHash(root, path).catch(() => ""); // no file of that name: started in a way of its own
}

async function enrol(owner: Client, apiUrl: string, poolName: string): Promise<Client> {
  const key = await createAgentKey();
  const { token } = await owner.call("createEnrolmentToken", { params: { poolName } });
  const body = { token, name: agentName(), publicJwk: key.publicJwk };
  const { agentId } = await owner.call("enrolAgent", { body });
  return createClient({ apiUrl, signAssertion: () => key.assert(agentId) });
}

/** One for each process: another agent of the same name would take its identity away. */
function agentName(): string {
  const host = hostname().replaceAll(/[^\w.-]/g, "-");
  return `serve-${host.slice(0, 60)}-${process.pid}`;
}
