import { generateKeyPairSync, randomUUID, type KeyObject } from "node:crypto";
import {
  buildApp,
  createLogger,
  createSigningKeys,
  createWorkspaceWithKey,
  readConfig,
  type ApiConfig,
  type AppDependencies,
} from "@downbeat/api";
import { createCaller, type Caller, type Transport } from "@downbeat/client/caller";
import { leasesOf, PublicJwk, type Lease, type Sealed, type SealedKind } from "@downbeat/contract";
import type { Database } from "@downbeat/db";
import {
  createDataKey,
  createKeyset,
  openKeyring,
  publicKeyOf,
  sealJson,
  type DataKey,
  type SealContext,
} from "@downbeat/seal";
import { SignJWT } from "jose";

export type TestApi = {
  readonly app: Awaited<ReturnType<typeof buildApp>>;
  readonly config: ApiConfig;
  /** Makes a workspace with an admin key and a data key of its own. */
  readonly workspace: (name: string) => Promise<TestWorkspace>;
  readonly tokenOf: (apiKey: string) => Promise<string>;
  /** A caller with this access token. */
  readonly withToken: (token: string) => Caller;
  readonly anonymous: Caller;
  /** Enrols an agent with a key of its own and exchanges its assertion. */
  readonly enrol: (
    workspace: TestWorkspace,
    options?: { poolName?: string; name?: string },
  ) => Promise<TestAgent>;
};

export type TestWorkspace = {
  readonly workspaceId: string;
  readonly apiKey: string;
  readonly token: string;
  readonly admin: Caller;
  readonly dataKey: DataKey;
  readonly seal: <K extends SealedKind>(
    context: SealContext<K>,
    value: unknown,
  ) => Promise<Sealed<K>>;
  /** Registers `flowName/default` on a pool. */
  readonly deploy: (flowName: string, poolName?: string) => Promise<string>;
};

export type TestAgent = {
  readonly agentId: string;
  readonly name: string;
  readonly token: string;
  readonly caller: Caller;
  readonly assertion: () => Promise<string>;
};

export type TestApiOptions = {
  readonly environment?: Record<string, string>;
  readonly now?: () => Date;
  readonly runEngine?: boolean;
  readonly cutOff?: NonNullable<AppDependencies["cutOff"]>;
};

/** An API on this database that checks every answer against its schema. Nothing listens: requests are injected. */
export async function startTestApi(
  database: Database,
  options: TestApiOptions = {},
): Promise<TestApi> {
  const { environment, ...rest } = options;
  const config = readConfig({ DOWNBEAT_DASHBOARD_DIR: "/nowhere", ...environment });
  const signingKeys = createSigningKeys();
  const logger = createLogger("fatal");
  const app = await buildApp({
    config,
    database,
    signingKeys,
    logger,
    checkResponses: true,
    ...rest,
  });
  await app.ready();
  const transport = injectInto(app);
  const anonymous = createCaller(transport);
  const withToken = (token: string): Caller => createCaller(transport, async () => token);
  const tokenOf = async (apiKey: string): Promise<string> =>
    (await anonymous.call("exchangeToken", { body: { grant: "api_key", apiKey } })).accessToken;
  const workspace = async (name: string): Promise<TestWorkspace> => {
    const { workspaceId, apiKey } = await createWorkspaceWithKey(database, name);
    const token = await tokenOf(apiKey);
    return { workspaceId, apiKey, token, ...(await equip(workspaceId, withToken(token))) };
  };
  const enrol: TestApi["enrol"] = (of, given) => enrolAgent({ anonymous, withToken }, of, given);
  return { app, config, workspace, tokenOf, withToken, anonymous, enrol };
}

function injectInto(app: TestApi["app"]): Transport {
  return async ({ method, path, headers, body }) => {
    const response = await app.inject({
      method: method as "GET",
      url: path,
      headers,
      ...(body !== undefined && { payload: body }),
    });
    const header = (name: string): string | undefined => response.headers[name]?.toString();
    return { status: response.statusCode, header, text: response.body };
  };
}

async function equip(workspaceId: string, admin: Caller) {
  const keyset = await createKeyset({ workspaceId, now: new Date() });
  const keyring = await openKeyring(keyset);
  const dataKey = await createDataKey({ recipients: [publicKeyOf(keyset)], keyring });
  const seal: TestWorkspace["seal"] = (context, value) => sealJson(dataKey, context, value);
  const deploy = async (flowName: string, poolName = "default"): Promise<string> => {
    const entrypoint = await seal(
      { kind: "entrypoint", dep: `${flowName}/default` },
      { path: "a.ts", export: "a" },
    );
    const spec = { flowName, poolName, contentHash: "0".repeat(64), entrypoint };
    const { deployments } = await admin.call("deploy", { body: { deployments: [spec] } });
    return deployments[0]?.id ?? "";
  };
  return { admin, dataKey, seal, deploy };
}

type Callers = Pick<TestApi, "anonymous" | "withToken">;
let agentsMade = 0;

async function enrolAgent(
  { anonymous, withToken }: Callers,
  { admin }: TestWorkspace,
  {
    poolName = "default",
    name = `agent-${(agentsMade += 1)}`,
  }: { poolName?: string; name?: string } = {},
): Promise<TestAgent> {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const { token: enrolment } = await admin.call("createEnrolmentToken", { params: { poolName } });
  const publicJwk = PublicJwk.parse(publicKey.export({ format: "jwk" }));
  const { agentId } = await anonymous.call("enrolAgent", {
    body: { token: enrolment, name, publicJwk },
  });
  const assertion = (): Promise<string> => assert(agentId, privateKey);
  const grant = { grant: "agent_assertion", assertion: await assertion() } as const;
  const { accessToken: token } = await anonymous.call("exchangeToken", { body: grant });
  return { agentId, name, token, caller: withToken(token), assertion };
}

function assert(agentId: string, privateKey: KeyObject): Promise<string> {
  return new SignJWT({})
    .setProtectedHeader({ alg: "ES256", kid: agentId })
    .setIssuer(agentId)
    .setSubject(agentId)
    .setAudience("downbeat-api")
    .setIssuedAt()
    .setExpirationTime("60s")
    .setJti(randomUUID())
    .sign(privateKey);
}

/** Opens a session and claims, for tests about what comes after. */
export async function claimWith(
  agent: TestAgent,
  max = 10,
): Promise<{ readonly sessionId: string; readonly leases: Lease[] }> {
  const { sessionId } = await agent.caller.call("openSession", {
    body: { capacity: 100, version: "test" },
  });
  const claimed = await agent.caller.call("claim", {
    body: { sessionId, claimRequestId: randomUUID(), max, waitSeconds: 0 },
  });
  return { sessionId, leases: leasesOf(claimed) };
}

/** The part of a lease that every report item carries. */
export function fenceOf({
  runId,
  epoch,
  leaseToken,
}: Lease): Pick<Lease, "runId" | "epoch" | "leaseToken"> {
  return { runId, epoch, leaseToken };
}

const REASONS = {
  RUNNING: ["Running", "started"],
  COMPLETED: ["Completed", "completed"],
  FAILED: ["Failed", "failed"],
  CANCELLED: ["Cancelled", "cancelled"],
} as const;

/** A transition report for a lease. */
export function transition(
  lease: Lease,
  type: keyof typeof REASONS,
  transitionId: string = randomUUID(),
) {
  const [name, reason] = REASONS[type];
  return { kind: "transition", ...fenceOf(lease), transitionId, type, name, reason } as const;
}

/** The code that a call is refused with; "none" when it is answered. */
export function codeOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => "none",
    (error: unknown) => (error as { code?: unknown }).code,
  );
}
