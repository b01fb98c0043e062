import type { PublicJwk } from "@downbeat/contract";
import { base64url } from "jose";
import { keyIdOf, type WorkspacePublicKey } from "./public-key.ts";
import { SealError } from "./seal-error.ts";

/**
 * All secrets of a workspace, as one JSON file that never leaves the customer. Whoever holds it can open everything in
 * the workspace; if every copy is lost, nothing can be opened again.
 */
export type WorkspaceKeyset = {
  version: 1;
  workspaceId: string;
  /** RFC 7638 thumbprint of the public key. */
  keyId: string;
  /** P-256, for ECDH. */
  privateJwk: PublicJwk & { d: string };
  /** 32 bytes, base64url: keys the blind tags. */
  indexKey: string;
  /** 32 bytes, base64url: proves that a data key came from a key holder. */
  authKey: string;
  /** ISO 8601, UTC. */
  createdAt: string;
};

/** Makes a new keyset. `now` becomes `createdAt`. */
export async function createKeyset(input: {
  workspaceId: string;
  now: Date;
}): Promise<WorkspaceKeyset> {
  const pair = await crypto.subtle.generateKey({ name: "ECDH", namedCurve: "P-256" }, true, [
    "deriveBits",
  ]);
  const { x, y, d } = await crypto.subtle.exportKey("jwk", pair.privateKey);
  if (x === undefined || y === undefined || d === undefined) {
    throw new SealError("bad_keyset", "WebCrypto exported a P-256 key without its coordinates.");
  }
  const publicJwk: PublicJwk = { kty: "EC", crv: "P-256", x, y };
  return {
    version: 1,
    workspaceId: input.workspaceId,
    keyId: await keyIdOf(publicJwk),
    privateJwk: { ...publicJwk, d },
    indexKey: randomKey(),
    authKey: randomKey(),
    createdAt: input.now.toISOString(),
  };
}

/** The half that may be known to all. */
export function publicKeyOf(keyset: WorkspaceKeyset): WorkspacePublicKey {
  const { kty, crv, x, y } = keyset.privateJwk;
  return {
    workspaceId: keyset.workspaceId,
    keyId: keyset.keyId,
    publicJwk: { kty, crv, x, y },
  };
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
  const jwk = record(fields["privateJwk"], "The keyset's `privateJwk`");
  if (jwk["kty"] !== "EC" || jwk["crv"] !== "P-256") {
    throw new SealError(
      "bad_keyset",
      "The keyset's `privateJwk` must be an EC key on the curve P-256.",
    );
  }
  const [x, y, d] = [bytes32(jwk, "x"), bytes32(jwk, "y"), bytes32(jwk, "d")];
  const keyset: WorkspaceKeyset = {
    version: 1,
    workspaceId: text(fields, "workspaceId"),
    keyId: bytes32(fields, "keyId"),
    privateJwk: { kty: "EC", crv: "P-256", x, y, d },
    indexKey: bytes32(fields, "indexKey"),
    authKey: bytes32(fields, "authKey"),
    createdAt: text(fields, "createdAt"),
  };
  await checkKeyId(keyset);
  return keyset;
}

async function checkKeyId(keyset: WorkspaceKeyset): Promise<void> {
  const actualId = await keyIdOf(publicKeyOf(keyset).publicJwk);
  if (actualId === keyset.keyId) return;
  throw new SealError(
    "bad_keyset",
    `The keyset calls its key ${keyset.keyId}, but the key inside is ${actualId}; restore the file from a copy.`,
  );
}

function randomKey(): string {
  return base64url.encode(crypto.getRandomValues(new Uint8Array(32)));
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
