import { randomUUID } from "node:crypto";
import { PublicJwk } from "@downbeat/contract";
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey } from "jose";

const ASSERTION_SECONDS = 60;

/** A key pair by which a process proves who it is, for as long as it lives; the private half cannot be read out of it. */
export type AgentKey = {
  readonly publicJwk: PublicJwk;
  /** A proof for the API's token exchange, good for a minute. */
  readonly assert: (agentId: string) => Promise<string>;
};

export async function createAgentKey(): Promise<AgentKey> {
  const { privateKey, publicKey } = await generateKeyPair("ES256");
  const { kty, crv, x, y } = await exportJWK(publicKey);
  return {
    publicJwk: PublicJwk.parse({ kty, crv, x, y }),
    assert: (agentId) => sign(privateKey, agentId),
  };
}

function sign(privateKey: CryptoKey, agentId: string): Promise<string> {
  return new SignJWT({})
    .setProtectedHeader({ alg: "ES256", kid: agentId })
    .setIssuer(agentId)
    .setSubject(agentId)
    .setAudience("downbeat-api")
    .setIssuedAt()
    .setExpirationTime(`${ASSERTION_SECONDS}s`)
    .setJti(randomUUID())
    .sign(privateKey);
}
