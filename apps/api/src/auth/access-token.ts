import { DownbeatError, ROLES } from "@downbeat/contract";
import jwt from "jsonwebtoken";
import { z } from "zod";
import type { Principal } from "./principal.ts";
import type { SigningKeys } from "./signing-keys.ts";

/** How long an access token is valid. */
export const ACCESS_TOKEN_SECONDS = 600;

export const TOKEN_AUDIENCE = "downbeat-api";
const ISSUER = "downbeat";

const Claims = z.object({
  sub: z.uuid(),
  kind: z.enum(["api-key", "agent"]),
  role: z.enum([...ROLES, "agent"]),
  ws: z.uuid(),
  pool: z.uuid().optional(),
  exp: z.number(),
});

/** Signs an access token for a principal. */
export function signAccessToken(keys: SigningKeys, principal: Principal, nowMs: number): string {
  const { id, kind, role, workspaceId, poolId } = principal;
  const issuedAt = Math.floor(nowMs / 1000);
  const claims = {
    kind,
    role,
    ws: workspaceId,
    ...(poolId !== undefined && { pool: poolId }),
    iat: issuedAt,
  };
  return jwt.sign(claims, keys.current.privateKey, {
    algorithm: "ES256",
    keyid: keys.current.keyId,
    issuer: ISSUER,
    audience: TOKEN_AUDIENCE,
    subject: id,
    expiresIn: ACCESS_TOKEN_SECONDS,
  });
}

/**
 * Verifies an access token: algorithm pinned, key looked up by id, issuer and audience required.
 *
 * @throws {DownbeatError} credentials_invalid, credentials_expired
 */
export function verifyAccessToken(
  keys: SigningKeys,
  token: string,
  nowMs: number,
): { readonly principal: Principal; readonly expiresAtMs: number } {
  const { sub, kind, role, ws, pool, exp } = Claims.parse(verify(keys, token, nowMs));
  return {
    principal: { id: sub, kind, role, workspaceId: ws, poolId: pool },
    expiresAtMs: exp * 1000,
  };
}

function verify(keys: SigningKeys, token: string, nowMs: number): unknown {
  const key = keys.publicKeys.get(jwt.decode(token, { complete: true })?.header.kid ?? "");
  if (key === undefined) {
    const message = "The access token is not one of this server's.";
    throw new DownbeatError("credentials_invalid", { message });
  }
  try {
    return jwt.verify(token, key, {
      algorithms: ["ES256"],
      issuer: ISSUER,
      audience: TOKEN_AUDIENCE,
      clockTimestamp: Math.floor(nowMs / 1000),
    });
  } catch (cause) {
    throw tokenRefused("access token", cause);
  }
}

/** Turns what `jsonwebtoken` throws into the catalogue's words. */
export function tokenRefused(what: string, cause: unknown): DownbeatError {
  if (cause instanceof jwt.TokenExpiredError) {
    const message = `The ${what} expired at ${cause.expiredAt.toISOString()}.`;
    return new DownbeatError("credentials_expired", { message, cause });
  }
  const detail = cause instanceof Error ? cause.message : String(cause);
  return new DownbeatError("credentials_invalid", {
    message: `The ${what} is not valid: ${detail}.`,
    cause,
  });
}
