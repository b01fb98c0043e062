import { base64url, type CryptoKey } from "jose";
import { parseKeyset, type WorkspaceKeyset } from "./keyset.ts";
import { SealError } from "./seal-error.ts";

/**
 * An unlocked keyset. A plain object of non-extractable keys: it opens and tags, but the secrets cannot be read out of
 * it. Browsers can keep it in IndexedDB (structured clone) and use it again without the keyset.
 */
export type Keyring = {
  readonly workspaceId: string;
  readonly keyId: string;
  /** ECDH P-256; `jose` decrypts with it. */
  readonly privateKey: CryptoKey;
  /** HMAC-SHA-256: signs and verifies the tags on wrapped data keys. */
  readonly authKey: CryptoKey;
  /** HMAC-SHA-256: makes blind tags. */
  readonly indexKey: CryptoKey;
};

/**
 * Unlocks a keyset from outside (a file's JSON, a paste): checks it in full, then imports it.
 *
 * @throws {SealError} `bad_keyset`
 */
export async function openKeyring(keyset: unknown): Promise<Keyring> {
  return importKeyring(await parseKeyset(keyset));
}

/**
 * Imports a keyset already known to be whole (just created or parsed) as non-extractable keys.
 *
 * @throws {SealError} `bad_keyset` when the private key is not a point of the curve.
 */
export async function importKeyring(keyset: WorkspaceKeyset): Promise<Keyring> {
  const [privateKey, authKey, indexKey] = await Promise.all([
    importPrivateKey(keyset),
    importHmacKey(keyset.authKey, ["sign", "verify"]),
    importHmacKey(keyset.indexKey, ["sign"]),
  ]);
  const { workspaceId, keyId } = keyset;
  return { workspaceId, keyId, privateKey, authKey, indexKey };
}

async function importPrivateKey(keyset: WorkspaceKeyset): Promise<CryptoKey> {
  const { kty, crv, x, y, d } = keyset.privateJwk;
  const algorithm = { name: "ECDH", namedCurve: "P-256" };
  try {
    return await crypto.subtle.importKey("jwk", { kty, crv, x, y, d }, algorithm, false, [
      "deriveBits",
    ]);
  } catch (cause) {
    throw new SealError(
      "bad_keyset",
      `The private key of keyset ${keyset.keyId} is not a P-256 key.`,
      { cause },
    );
  }
}

function importHmacKey(key: string, usages: ("sign" | "verify")[]): Promise<CryptoKey> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const bytes = new Uint8Array(base64url.decode(key));
  return crypto.subtle.importKey("raw", bytes, algorithm, false, usages);
}
