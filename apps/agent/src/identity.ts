import { randomUUID } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { DownbeatError, Id, Name, PublicJwk } from "@downbeat/contract";
import { exportJWK, generateKeyPair, importJWK, SignJWT } from "jose";
import { z } from "zod";

/** Who this agent is. The private key stays here; the plane holds only the public half, which yields no credential. */
export const Identity = z.object({
  agentId: Id,
  workspaceId: Id,
  poolName: Name,
  apiUrl: z.url(),
  privateJwk: PublicJwk.extend({ d: z.string() }),
});
export type Identity = z.infer<typeof Identity>;

export type AgentKeyPair = {
  readonly publicJwk: PublicJwk;
  readonly privateJwk: Identity["privateJwk"];
};

const ASSERTION_SECONDS = 60;

export async function createAgentKeyPair(): Promise<AgentKeyPair> {
  const { privateKey } = await generateKeyPair("ES256", { extractable: true });
  const { kty, crv, x, y, d } = await exportJWK(privateKey);
  const privateJwk = Identity.shape.privateJwk.parse({ kty, crv, x, y, d });
  return { publicJwk: PublicJwk.parse({ kty, crv, x, y }), privateJwk };
}

/** Reads the identity of an agent enrolled before; undefined when there is none. */
export async function readIdentity(path: string): Promise<Identity | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return undefined;
    throw new DownbeatError("configuration_invalid", {
      message: `The agent's identity ${path} cannot be read.`,
      cause,
    });
  }
  const identity = Identity.safeParse(parseJson(text));
  if (identity.success) return identity.data;
  // No cause: it would quote the file, and the file holds a private key.
  throw new DownbeatError("configuration_invalid", {
    message: `The agent's identity ${path} is damaged; remove it to enrol anew.`,
  });
}

/** Writes it readable by its owner alone, whole or not at all. */
export async function writeIdentity(path: string, identity: Identity): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${randomUUID()}.tmp`;
  await writeFile(draft, `${JSON.stringify(identity, null, 2)}\n`, { mode: 0o600, flush: true });
  await rename(draft, path);
}

/** Makes the function that proves who this agent is, once a minute at most, to be exchanged for an access token. */
export function assertionSigner(identity: Identity): () => Promise<string> {
  const key = importJWK(identity.privateJwk, "ES256");
  return async () => {
    const issuedAt = Math.floor(Date.now() / 1000);
    return new SignJWT({})
      .setProtectedHeader({ alg: "ES256", kid: identity.agentId })
      .setIssuer(identity.agentId)
      .setSubject(identity.agentId)
      .setAudience("downbeat-api")
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + ASSERTION_SECONDS)
      .setJti(randomUUID())
      .sign(await key);
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // reported as damaged by the caller
  }
}
