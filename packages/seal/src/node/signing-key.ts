import type { PublicJwk } from "@downbeat/contract";
import { CompactSign, type CryptoKey, exportJWK, generateKeyPair, importJWK } from "jose";
import { keyIdOf } from "../public-key.ts";
import { SealError } from "../seal-error.ts";
import { readKeyFile, writeKeyFile } from "./key-file.ts";

/** A key that signs work, as its file holds it. It opens nothing: whoever has it can say what agents may run. */
export type SigningKey = {
  readonly version: 1;
  /** RFC 7638 thumbprint of the public half. */
  readonly keyId: string;
  readonly privateJwk: PublicJwk & { readonly d: string };
  /** ISO 8601, UTC. */
  readonly createdAt: string;
};

/**
 * What signs. A {@link SigningKey} does it right here (see {@link signerOf}); a key management service can do it elsewhere,
 * and no private key is then in this process.
 */
export type Signer = {
  /** RFC 7638 thumbprint of the public half. */
  readonly keyId: string;
  /** Makes a compact JWS of these bytes, with this protected header and no other. */
  sign(payload: Uint8Array, header: { alg: "ES256"; typ: string; kid: string }): Promise<string>;
};

/** Public keys by their ids: those whose work an agent runs. */
export type TrustedSigners = ReadonlyMap<string, CryptoKey>;

export async function createSigningKey({ now }: { now: Date }): Promise<SigningKey> {
  const { privateKey } = await generateKeyPair("ES256", { extractable: true });
  const privateJwk = toPrivateJwk(await exportJWK(privateKey));
  const keyId = await keyIdOf(publicHalf(privateJwk));
  return { version: 1, keyId, privateJwk, createdAt: now.toISOString() };
}

/** Signs with a key that is right here. */
export async function signerOf({ keyId, privateJwk }: SigningKey): Promise<Signer> {
  const key = await importJWK({ ...privateJwk }, "ES256");
  return {
    keyId,
    sign: (payload, header) => new CompactSign(payload).setProtectedHeader(header).sign(key),
  };
}

/** @throws {SealError} `keyset_missing`, `keyset_exposed`, `bad_keyset`, `keyset_unreachable` */
export async function readSigningKey(path: string): Promise<SigningKey> {
  return parseSigningKey(await readKeyFile({ path, what: "signing key" }));
}

/** Never replaces one. @throws {SealError} `keyset_exists`, `keyset_unreachable` */
export async function writeSigningKey(path: string, key: SigningKey): Promise<void> {
  await writeKeyFile({ path, what: "signing key" }, key, { replace: false });
}

/**
 * Checks a signing key from outside.
 *
 * @throws {SealError} `bad_keyset`; nothing of the key is quoted
 */
export async function parseSigningKey(value: unknown): Promise<SigningKey> {
  const { version, keyId, privateJwk, createdAt } = record(value);
  const jwk = toPrivateJwk(record(privateJwk));
  const isWhole = version === 1 && typeof createdAt === "string";
  if (!isWhole || (await keyIdOf(publicHalf(jwk))) !== keyId) throw badKey();
  return { version, keyId: String(keyId), privateJwk: jwk, createdAt };
}

/** The public half as a JWK Set, the file that agents are given; several such sets may be merged into one. */
export function publicKeySetOf({ keyId, privateJwk }: SigningKey): {
  keys: (PublicJwk & { kid: string; alg: "ES256"; use: "sig" })[];
} {
  return { keys: [{ ...publicHalf(privateJwk), kid: keyId, alg: "ES256", use: "sig" }] };
}

/**
 * Reads a JWK Set of public keys. Their ids are computed, whatever the file calls them.
 *
 * @throws {SealError} `bad_public_key` when it is none, is empty, or holds anything but public keys of P-256
 */
export async function parseTrustedSigners(value: unknown): Promise<TrustedSigners> {
  const { keys } = record(value);
  if (!Array.isArray(keys) || keys.length === 0)
    throw new SealError("bad_public_key", "It is not a JWK Set with at least one key.");
  return new Map(await Promise.all(keys.map(importSigner)));
}

async function importSigner(value: unknown): Promise<[string, CryptoKey]> {
  const jwk = record(value);
  if (jwk["d"] !== undefined) {
    throw new SealError(
      "bad_public_key",
      "It holds a private key; agents need the public half only.",
    );
  }
  const { kty, crv, x, y } = jwk;
  if (kty !== "EC" || crv !== "P-256" || typeof x !== "string" || typeof y !== "string")
    throw new SealError("bad_public_key", "It holds a key that is not an EC key of P-256.");
  const publicJwk = { kty, crv, x, y } as const;
  try {
    return [await keyIdOf(publicJwk), (await importJWK(publicJwk, "ES256")) as CryptoKey];
  } catch (cause) {
    throw new SealError("bad_public_key", "It holds a key that is no point of P-256.", { cause });
  }
}

function publicHalf({ kty, crv, x, y }: PublicJwk): PublicJwk {
  return { kty, crv, x, y };
}

function toPrivateJwk(jwk: { readonly [field: string]: unknown }): SigningKey["privateJwk"] {
  const { kty, crv, x, y, d } = jwk;
  const isText = [x, y, d].every((part) => typeof part === "string" && /^[\w-]{43}$/.test(part));
  if (kty !== "EC" || crv !== "P-256" || !isText) throw badKey();
  return { kty, crv, x: String(x), y: String(y), d: String(d) };
}

function record(value: unknown): { readonly [field: string]: unknown } {
  return typeof value === "object" && value !== null ? { ...value } : {};
}

function badKey(): SealError {
  return new SealError(
    "bad_keyset",
    "This is not a signing key, or its parts do not belong together.",
  );
}
