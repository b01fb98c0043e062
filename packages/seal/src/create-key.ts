import { base64url } from "jose";
import { keyIdOf } from "./public-key.ts";
import type { HeldKey } from "./keyset.ts";
import { SealError } from "./seal-error.ts";

type Origin = {
  readonly workspaceId: string;
  readonly createdAt: string;
  /** Kept from the key before, so that blind tags stay comparable. Default: derived from the secret. */
  readonly indexKey?: string | undefined;
};

/** Makes a new workspace key from a random secret. */
export async function createKey(origin: Origin): Promise<HeldKey> {
  const pair = await crypto.subtle.generateKey(P256, true, ["deriveBits"]);
  const { d } = await crypto.subtle.exportKey("jwk", pair.privateKey);
  if (d === undefined) throw new SealError("bad_keyset", "WebCrypto exported a key without `d`.");
  return keyFromSecret(base64url.decode(d), origin);
}

/**
 * The workspace key that belongs to a secret: the secret is the private key itself, and the HMAC keys are derived from it
 * (HKDF-SHA-256), so that the one thing on a recovery code brings back all of them.
 *
 * @param secret 32 bytes
 * @throws {SealError} `bad_keyset` when the bytes are no private key of the curve.
 */
export async function keyFromSecret(secret: Uint8Array, origin: Origin): Promise<HeldKey> {
  const { x, y, d } = await keyPairOf(secret);
  const publicJwk = { kty: "EC", crv: "P-256", x, y } as const;
  const derive = (purpose: string) => deriveKey(secret, { ...origin, purpose });
  return {
    keyId: await keyIdOf(publicJwk),
    privateJwk: { ...publicJwk, d },
    indexKey: origin.indexKey ?? (await derive("index key")),
    authKey: await derive("auth key"),
    createdAt: origin.createdAt,
  };
}

/** 32 bytes, base64url, that only a holder of the secret can compute; another purpose gives others. */
export async function deriveKey(
  secret: Uint8Array,
  { workspaceId, purpose }: { workspaceId: string; purpose: string },
): Promise<string> {
  const text = new TextEncoder();
  const material = await crypto.subtle.importKey("raw", new Uint8Array(secret), "HKDF", false, [
    "deriveBits",
  ]);
  const bits = await crypto.subtle.deriveBits(
    {
      name: "HKDF",
      hash: "SHA-256",
      salt: text.encode(workspaceId),
      info: text.encode(`downbeat ${purpose}`),
    },
    material,
    256,
  );
  return base64url.encode(new Uint8Array(bits));
}

const P256 = { name: "ECDH", namedCurve: "P-256" } as const;

// RFC 5958, RFC 5915: everything before the 32 bytes of a P-256 private key that comes without its public half.
const PKCS8_PREFIX = "3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420";

/** WebCrypto computes the public half when it imports a private key alone. */
async function keyPairOf(secret: Uint8Array): Promise<{ x: string; y: string; d: string }> {
  const prefix = PKCS8_PREFIX.match(/../g)?.map((byte) => Number.parseInt(byte, 16)) ?? [];
  try {
    const pkcs8 = new Uint8Array([...prefix, ...secret]);
    const key = await crypto.subtle.importKey("pkcs8", pkcs8, P256, true, ["deriveBits"]);
    const { x, y, d } = await crypto.subtle.exportKey("jwk", key);
    if (x !== undefined && y !== undefined && d !== undefined) return { x, y, d };
  } catch (cause) {
    throw new SealError("bad_keyset", "The secret is not a private key of P-256.", { cause });
  }
  throw new SealError("bad_keyset", "WebCrypto exported a P-256 key without its coordinates.");
}
