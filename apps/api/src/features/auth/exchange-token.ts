import { DownbeatError, type ROUTES, type RouteReply, type RouteRequest } from "@downbeat/contract";
import { findAgent, findApiKey } from "@downbeat/db";
import { ACCESS_TOKEN_SECONDS, signAccessToken } from "../../auth/access-token.ts";
import { readAssertedAgentId, verifyAgentAssertion } from "../../auth/agent-assertion.ts";
import { parseApiKeyText, secretMatches } from "../../auth/api-key-text.ts";
import type { Principal } from "../../auth/principal.ts";
import type { Services } from "../../services.ts";

type Exchange = typeof ROUTES.exchangeToken;

/** Exchanges an API key, or an agent's signed assertion, for an access token. */
export async function exchangeToken(
  services: Services,
  body: RouteRequest<Exchange>["body"],
): Promise<RouteReply<Exchange>> {
  const principal =
    body.grant === "api_key"
      ? await identifyApiKey(services, body.apiKey)
      : await identifyAgent(services, body.assertion);
  const accessToken = signAccessToken(services.signingKeys, principal, services.now().getTime());
  return { accessToken, expiresInSeconds: ACCESS_TOKEN_SECONDS };
}

async function identifyApiKey({ database, now }: Services, text: string): Promise<Principal> {
  const { id, secret } = parseApiKeyText(text);
  const found = await database.asOperator((tx) => findApiKey(tx, id));
  // An unknown id, a wrong secret and a revoked key read the same: nobody learns which keys exist.
  if (found === undefined || !secretMatches(secret, found.secretHash) || found.apiKey.revoked) {
    throw new DownbeatError("credentials_invalid", {
      message: "The API key is unknown or was revoked.",
    });
  }
  const { expiresAt, role } = found.apiKey;
  if (expiresAt !== null && new Date(expiresAt) <= now()) {
    throw new DownbeatError("credentials_expired", {
      message: `The API key expired at ${expiresAt}.`,
    });
  }
  return { kind: "api-key", id, role, workspaceId: found.workspace.id, poolId: undefined };
}

async function identifyAgent({ database, now }: Services, assertion: string): Promise<Principal> {
  const id = readAssertedAgentId(assertion);
  const agent = await database.asOperator((tx) => findAgent(tx, id));
  if (agent === undefined || agent.revoked) {
    throw new DownbeatError("credentials_invalid", {
      message: "The agent is unknown or was revoked. Enrol it again.",
    });
  }
  verifyAgentAssertion(assertion, agent, now().getTime());
  return { kind: "agent", id, role: "agent", workspaceId: agent.workspaceId, poolId: agent.poolId };
}
