import type { Client } from "@downbeat/client";
import { DownbeatError, isDownbeatError } from "@downbeat/contract";
import type { Logger } from "pino";
import type { AgentConfig } from "./config.ts";
import {
  assertionSigner,
  createAgentKeyPair,
  readIdentity,
  writeIdentity,
  type Identity,
} from "./identity.ts";
import type { EgressLedger } from "./egress-ledger.ts";
import { createPlaneClient } from "./plane-client.ts";
import type { PlaneWatch } from "./plane-watch.ts";
import { retrying } from "./retrying.ts";

export type EnrolOptions = {
  readonly config: AgentConfig;
  readonly identityPath: string;
  readonly logger: Logger;
  readonly watch: PlaneWatch;
  readonly ledger: EgressLedger;
  readonly signal: AbortSignal;
};

export type Enrolled = { readonly identity: Identity; readonly client: Client };

/**
 * Connects as the agent of this name, enrolling it first if need be: with a one-time token, or with an API key that may
 * make one. Waits as long as the API is away.
 *
 * @throws DownbeatError when the API refuses, or when there is nothing to enrol with.
 */
export async function connect(options: EnrolOptions): Promise<Enrolled> {
  const { config, identityPath, logger } = options;
  const known = await readIdentity(identityPath);
  if (known !== undefined && known.apiUrl === config.apiUrl && known.poolName === config.pool) {
    const enrolled = connectAs(known, options);
    if (await isKnown(enrolled.client, options)) return enrolled;
    await enrolled.client.close();
    logger.warn(
      { agentId: known.agentId },
      "the API does not know this agent any more; enrolling anew",
    );
  }
  const identity = await enrol(options);
  await writeIdentity(identityPath, identity);
  logger.info({ agentId: identity.agentId, pool: identity.poolName }, "enrolled");
  return connectAs(identity, options);
}

function connectAs(identity: Identity, { ledger }: EnrolOptions): Enrolled {
  const { apiUrl } = identity;
  const client = createPlaneClient({ apiUrl, signAssertion: assertionSigner(identity) }, ledger);
  return { identity, client };
}

async function isKnown(client: Client, options: EnrolOptions): Promise<boolean> {
  try {
    await patiently(options, () => client.call("whoAmI", {}));
    return true;
  } catch (error) {
    if (isDownbeatError(error) && FORGOTTEN.has(error.code)) return false;
    throw error;
  }
}

async function enrol(options: EnrolOptions): Promise<Identity> {
  const { config } = options;
  const anonymous = createPlaneClient({ apiUrl: config.apiUrl }, options.ledger);
  try {
    const token = config.enrolToken ?? (await tokenByApiKey(options));
    const keys = await createAgentKeyPair();
    const body = { token, name: config.name, publicJwk: keys.publicJwk };
    const { agentId, workspaceId, poolName } = await patiently(options, () =>
      anonymous.call("enrolAgent", { body }),
    );
    return { agentId, workspaceId, poolName, apiUrl: config.apiUrl, privateJwk: keys.privateJwk };
  } finally {
    await anonymous.close();
  }
}

async function tokenByApiKey(options: EnrolOptions): Promise<string> {
  const { apiUrl, apiKey, pool } = options.config;
  if (apiKey === undefined) {
    throw new DownbeatError("profile_missing", {
      message: `The agent "${options.config.name}" is not enrolled, and there is nothing to enrol it with: set DOWNBEAT_ENROL_TOKEN or DOWNBEAT_API_KEY.`,
    });
  }
  const client = createPlaneClient({ apiUrl, apiKey }, options.ledger);
  try {
    const params = { poolName: pool };
    return (await patiently(options, () => client.call("createEnrolmentToken", { params }))).token;
  } finally {
    await client.close();
  }
}

const FORGOTTEN = new Set<string>(["credentials_invalid", "credentials_missing", "not_found"]);

/** Waits while the API is away; a refusal is for a person to see at once. */
export function patiently<T>(
  { watch, signal }: Pick<EnrolOptions, "watch" | "signal">,
  call: () => Promise<T>,
): Promise<T> {
  const isWorthRetrying = (error: unknown) => isDownbeatError(error) && error.retryable;
  return retrying(call, { watch, failure: "waiting for the API", signal, isWorthRetrying });
}
