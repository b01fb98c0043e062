import type { PublicJwk, WorkspacePublicKey as WirePublicKey } from "@downbeat/contract";
import { calculateJwkThumbprint, type CryptoKey } from "jose";
import { SealError } from "./seal-error.ts";

/** The public half of a workspace key and whose it is: enough to seal, useless for opening. */
export type WorkspacePublicKey = WirePublicKey & { workspaceId: string };

/** The id of a public key: its RFC 7638 thumbprint (SHA-256, base64url). */
export function keyIdOf(publicJwk: PublicJwk): Promise<string> {
  return calculateJwkThumbprint(publicJwk, "sha256");
}

/**
 * Imports a public key for sealing. The id is computed anew: a host that swaps the key under a pinned id is found out.
 *
 * @throws {SealError} `bad_public_key`
 */
export async function importPublicKey(key: WorkspacePublicKey): Promise<CryptoKey> {
  const { kty, crv, x, y } = key.publicJwk;
  const imported = await crypto.subtle
    .importKey("jwk", { kty, crv, x, y }, { name: "ECDH", namedCurve: "P-256" }, true, [])
    .catch((cause: unknown) => {
      throw new SealError("bad_public_key", `Public key ${key.keyId} is not a P-256 key.`, {
        cause,
      });
    });
  const actualId = await keyIdOf(key.publicJwk);
  if (actualId !== key.keyId) {
    throw new SealError(
      "bad_public_key",
      `The public key presented as ${key.keyId} is in fact ${actualId}; nothing was sealed. Check who supplied it.`,
    );
  }
  return imported;
}
