import type { PublicJwk } from "@downbeat/contract";
import { base64url } from "jose";
import { createKey } from "./create-key.ts";
import { keyIdOf, type WorkspacePublicKey } from "./public-key.ts";
import { SealError } from "./seal-error.ts";

/** One workspace key with all that belongs to it. */
export type HeldKey = {
  /** RFC 7638 thumbprint of the public key. */
  keyId: string;
  /** P-256, for ECDH; it also signs the statement by which its successor is known. */
  privateJwk: PublicJwk & { d: string };
  /** 32 bytes, base64url: keys the blind tags. */
  indexKey: string;
  /** 32 bytes, base64url: proves that a data key came from a key holder. */
  authKey: string;
  /** ISO 8601, UTC. */
  createdAt: string;
};

/**
 * All secrets of a workspace, as one JSON file that never leaves the customer. Whoever holds it can open everything in
 * the workspace; if every copy is lost, nothing can be opened again. The key at the top is the current one, which seals;
 * `otherKeys` only open: those before it and, while a rotation is being prepared, the one after it.
 */
export type WorkspaceKeyset = HeldKey & {
  version: 1;
  workspaceId: string;
  otherKeys: readonly HeldKey[];
};

/** Makes a new keyset. `now` becomes `createdAt`. */
export async function createKeyset(input: {
  workspaceId: string;
  now: Date;
}): Promise<WorkspaceKeyset> {
  const { workspaceId, now } = input;
  const key = await createKey({ workspaceId, createdAt: now.toISOString() });
  return { version: 1, workspaceId, ...key, otherKeys: [] };
}

/** Every key of the keyset, the current one first. */
export function keysOf(keyset: WorkspaceKeyset): HeldKey[] {
  const { keyId, privateJwk, indexKey, authKey, createdAt, otherKeys } = keyset;
  return [{ keyId, privateJwk, indexKey, authKey, createdAt }, ...otherKeys];
}

/** The half that may be known to all, of the current key. */
export function publicKeyOf(
  holder: { workspaceId: string; keyId: string } & (
    | { privateJwk: PublicJwk }
    | { publicJwk: PublicJwk }
  ),
): WorkspacePublicKey {
  const { kty, crv, x, y } = "privateJwk" in holder ? holder.privateJwk : holder.publicJwk;
  return { workspaceId: holder.workspaceId, keyId: holder.keyId, publicJwk: { kty, crv, x, y } };
}

/**
 * A short form of a key id for people, such as `7F2A-99C1`. It tells a workspace's few keys apart; it is far too short
 * to prove that a key is the right one, so pin the whole id.
 */
export function fingerprint(keyId: string): string {
  const start = base64url.decode(keyId).subarray(0, 4);
  const hex = Array.from(start, (byte) => byte.toString(16).padStart(2, "0"))
    .join("")
    .toUpperCase();
  return `${hex.slice(0, 4)}-${hex.slice(4)}`;
}

/**
 * Checks that something read from a file or pasted by a person is a whole keyset whose id belongs to its key.
 *
 * @throws {SealError} `bad_keyset`; the message names the field, never what it holds.
 */
export async function parseKeyset(value: unknown): Promise<WorkspaceKeyset> {
  const fields = record(value, "The keyset");
  if (fields["version"] !== 1) {
    throw new SealError(
      "bad_keyset",
      "The keyset's `version` must be 1; a newer Downbeat may have written it.",
    );
  }
  const workspaceId = text(fields, "workspaceId");
  const others = fields["otherKeys"] ?? [];
  if (!Array.isArray(others))
    throw new SealError("bad_keyset", "The keyset's `otherKeys` must be a list.");
  const [current, ...otherKeys] = await Promise.all(
    [fields, ...others.map((key) => record(key, "A key in the keyset's `otherKeys`"))].map(
      parseHeldKey,
    ),
  );
  return { version: 1, workspaceId, ...(current as HeldKey), otherKeys };
}

/** Checks one key read from outside. @throws {SealError} `bad_keyset` */
export async function parseHeldKey(fields: Record<string, unknown>): Promise<HeldKey> {
  const jwk = record(fields["privateJwk"], "The keyset's `privateJwk`");
  if (jwk["kty"] !== "EC" || jwk["crv"] !== "P-256") {
    throw new SealError(
      "bad_keyset",
      "The keyset's `privateJwk` must be an EC key on the curve P-256.",
    );
  }
  const [x, y, d] = [bytes32(jwk, "x"), bytes32(jwk, "y"), bytes32(jwk, "d")];
  const key: HeldKey = {
    keyId: bytes32(fields, "keyId"),
    privateJwk: { kty: "EC", crv: "P-256", x, y, d },
    indexKey: bytes32(fields, "indexKey"),
    authKey: bytes32(fields, "authKey"),
    createdAt: text(fields, "createdAt"),
  };
  await checkKeyId(key);
  return key;
}

async function checkKeyId(keyset: HeldKey): Promise<void> {
  const { kty, crv, x, y } = keyset.privateJwk;
  const actualId = await keyIdOf({ kty, crv, x, y });
  if (actualId === keyset.keyId) return;
  throw new SealError(
    "bad_keyset",
    `The keyset calls its key ${keyset.keyId}, but the key inside is ${actualId}; restore the file from a copy.`,
  );
}

function record(value: unknown, what: string): Record<string, unknown> {
  if (typeof value === "object" && value !== null) return { ...value };
  throw new SealError("bad_keyset", `${what} must be a JSON object.`);
}

function text(fields: Record<string, unknown>, name: string): string {
  const value = fields[name];
  if (typeof value === "string" && value !== "") return value;
  throw new SealError("bad_keyset", `The keyset's \`${name}\` must be a text that is not empty.`);
}

function bytes32(fields: Record<string, unknown>, name: string): string {
  const value = fields[name];
  if (typeof value === "string" && /^[\w-]{43}$/.test(value)) return value;
  throw new SealError(
    "bad_keyset",
    `The keyset's \`${name}\` must be 32 bytes in base64url (43 characters).`,
  );
}
