import { createHmac, randomUUID } from "node:crypto";
import { isDownbeatError } from "@downbeat/contract";
import jwt from "jsonwebtoken";
import { describe, expect, it } from "vitest";
import { ACCESS_TOKEN_SECONDS, signAccessToken, verifyAccessToken } from "./access-token.ts";
import type { Principal } from "./principal.ts";
import { createSigningKeys } from "./signing-keys.ts";

const NOW_MS = Date.parse("2026-03-01T00:00:00Z");
const KEYS = createSigningKeys();
const PRINCIPAL: Principal = {
  kind: "agent",
  id: randomUUID(),
  role: "agent",
  workspaceId: randomUUID(),
  poolId: randomUUID(),
};

function codeOf(token: string, nowMs = NOW_MS): string {
  try {
    verifyAccessToken(KEYS, token, nowMs);
    return "accepted";
  } catch (error) {
    return isDownbeatError(error) ? error.code : String(error);
  }
}

function signedWith(options: jwt.SignOptions): string {
  const claims = { kind: "agent", role: "agent", ws: PRINCIPAL.workspaceId, iat: NOW_MS / 1000 };
  const whole: jwt.SignOptions = {
    algorithm: "ES256",
    keyid: KEYS.current.keyId,
    issuer: "downbeat",
    audience: "downbeat-api",
    subject: PRINCIPAL.id,
    expiresIn: 60,
    ...options,
  };
  return jwt.sign(claims, KEYS.current.privateKey, whole);
}

describe("access tokens", () => {
  it("carry the principal for ten minutes", () => {
    const token = signAccessToken(KEYS, PRINCIPAL, NOW_MS);
    const expiresAtMs = NOW_MS + ACCESS_TOKEN_SECONDS * 1000;
    expect(verifyAccessToken(KEYS, token, NOW_MS)).toEqual({ principal: PRINCIPAL, expiresAtMs });
    expect(codeOf(token, expiresAtMs)).toBe("credentials_expired");
  });

  it("are refused with another issuer, audience, key id or key", () => {
    expect(codeOf(signedWith({}))).toBe("accepted");
    expect(codeOf(signedWith({ issuer: "someone" }))).toBe("credentials_invalid");
    expect(codeOf(signedWith({ audience: "elsewhere" }))).toBe("credentials_invalid");
    expect(codeOf(signedWith({ keyid: "unknown" }))).toBe("credentials_invalid");
    expect(codeOf(signAccessToken(createSigningKeys(), PRINCIPAL, NOW_MS))).toBe(
      "credentials_invalid",
    );
  });

  it("are refused unsigned, and when the public key is abused as an HMAC secret", () => {
    const [header = "", payload = ""] = signAccessToken(KEYS, PRINCIPAL, NOW_MS).split(".");
    const publicKey =
      KEYS.publicKeys.get(KEYS.current.keyId)?.export({ type: "spki", format: "pem" }) ?? "";
    const none = encode({ alg: "none", kid: KEYS.current.keyId });
    const hmac = encode({ alg: "HS256", kid: KEYS.current.keyId });
    const signature = createHmac("sha256", publicKey)
      .update(`${hmac}.${payload}`)
      .digest("base64url");
    expect(codeOf(`${none}.${payload}.`)).toBe("credentials_invalid");
    expect(codeOf(`${hmac}.${payload}.${signature}`)).toBe("credentials_invalid");
    expect(codeOf(`${header}.${payload}.AAAA`)).toBe("credentials_invalid");
    expect(codeOf("not a token")).toBe("credentials_invalid");
  });
});

function encode(header: object): string {
  return Buffer.from(JSON.stringify(header)).toString("base64url");
}
