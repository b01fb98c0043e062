import { createPublicKey } from "node:crypto";
import { DownbeatError, type PublicJwk } from "@downbeat/contract";
import jwt from "jsonwebtoken";
import { z } from "zod";
import { TOKEN_AUDIENCE, tokenRefused } from "./access-token.ts";

// The contract asks for a minute; a little more allows for clocks that differ.
const LONGEST_SECONDS = 120;
const CLOCK_TOLERANCE_SECONDS = 30;

const Claims = z.object({
  iss: z.uuid(),
  sub: z.uuid(),
  iat: z.number(),
  exp: z.number(),
  jti: z.string().min(1),
});

/** Which agent an assertion claims to come from; nothing is verified yet. @throws {DownbeatError} credentials_invalid */
export function readAssertedAgentId(assertion: string): string {
  const agentId = z.uuid().safeParse(jwt.decode(assertion, { complete: true })?.header.kid);
  if (agentId.success) return agentId.data;
  const message = "The assertion names no agent: its header `kid` must be the agent's id.";
  throw new DownbeatError("credentials_invalid", { message });
}

/**
 * Verifies that an agent signed this assertion itself, a moment ago, for this API.
 *
 * @throws {DownbeatError} credentials_invalid, credentials_expired
 */
export function verifyAgentAssertion(
  assertion: string,
  agent: { readonly id: string; readonly publicJwk: PublicJwk },
  nowMs: number,
): void {
  const { iss, sub, iat, exp } = verify(assertion, agent, nowMs);
  if (iss === agent.id && sub === agent.id && exp - iat <= LONGEST_SECONDS) return;
  const message = `The assertion must be issued by and about the agent ${agent.id}, for at most ${LONGEST_SECONDS} s.`;
  throw new DownbeatError("credentials_invalid", { message });
}

function verify(
  assertion: string,
  agent: { readonly publicJwk: PublicJwk },
  nowMs: number,
): z.infer<typeof Claims> {
  try {
    const key = createPublicKey({ key: agent.publicJwk, format: "jwk" });
    return Claims.parse(
      jwt.verify(assertion, key, {
        algorithms: ["ES256"],
        audience: TOKEN_AUDIENCE,
        clockTimestamp: Math.floor(nowMs / 1000),
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
      }),
    );
  } catch (cause) {
    throw tokenRefused("assertion", cause);
  }
}
