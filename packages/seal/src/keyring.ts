import type { PublicJwk } from "@downbeat/contract";
import { base64url, type CryptoKey } from "jose";
import { keysOf, parseKeyset, type HeldKey, type WorkspaceKeyset } from "./keyset.ts";
import { SealError } from "./seal-error.ts";

/** One unlocked workspace key. */
export type KeyringKey = {
  readonly keyId: string;
  readonly publicJwk: PublicJwk;
  /** ECDH P-256; `jose` decrypts with it. */
  readonly privateKey: CryptoKey;
  /** HMAC-SHA-256: signs and verifies the tags on wrapped data keys. */
  readonly authKey: CryptoKey;
  /** HMAC-SHA-256: makes blind tags. */
  readonly indexKey: CryptoKey;
};

/**
 * An unlocked keyset: the current key, and the others, which only open. A plain object of non-extractable keys: it opens
 * and tags, but the secrets cannot be read out of it. Browsers can keep it in IndexedDB (structured clone) and use it again
 * without the keyset.
 */
export type Keyring = KeyringKey & {
  readonly workspaceId: string;
  readonly otherKeys: readonly KeyringKey[];
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
 * @throws {SealError} `bad_keyset` when a private key is not a point of the curve.
 */
export async function importKeyring(keyset: WorkspaceKeyset): Promise<Keyring> {
  const [current, ...otherKeys] = await Promise.all(keysOf(keyset).map(importKey));
  return { workspaceId: keyset.workspaceId, ...(current as KeyringKey), otherKeys };
}

/** The key of that id, current or not; undefined when it is not held. */
export function heldKey(keyring: Keyring, keyId: string): KeyringKey | undefined {
  return [keyring, ...keyring.otherKeys].find((key) => key.keyId === keyId);
}

/** Which keys are held, for messages. */
export function heldKeyIds({ keyId, otherKeys }: Keyring): string {
  if (otherKeys.length === 0) return `the key held is ${keyId}`;
  return `the keys held are ${[keyId, ...otherKeys.map((key) => key.keyId)].join(", ")}`;
}

async function importKey(key: HeldKey): Promise<KeyringKey> {
  const [privateKey, authKey, indexKey] = await Promise.all([
    importPrivateKey(key),
    importHmacKey(key.authKey, ["sign", "verify"]),
    importHmacKey(key.indexKey, ["sign"]),
  ]);
  const { kty, crv, x, y } = key.privateJwk;
  return { keyId: key.keyId, publicJwk: { kty, crv, x, y }, privateKey, authKey, indexKey };
}

async function importPrivateKey({ keyId, privateJwk }: HeldKey): Promise<CryptoKey> {
  const { kty, crv, x, y, d } = privateJwk;
  const algorithm = { name: "ECDH", namedCurve: "P-256" };
  try {
    return await crypto.subtle.importKey("jwk", { kty, crv, x, y, d }, algorithm, false, [
      "deriveBits",
    ]);
  } catch (cause) {
    throw new SealError("bad_keyset", `The private key of keyset ${keyId} is not a P-256 key.`, {
      cause,
    });
  }
}

function importHmacKey(key: string, usages: ("sign" | "verify")[]): Promise<CryptoKey> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const bytes = new Uint8Array(base64url.decode(key));
  return crypto.subtle.importKey("raw", bytes, algorithm, false, usages);
}
