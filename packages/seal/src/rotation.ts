import type { KeyRotation } from "@downbeat/contract";
import { CompactSign, compactVerify, type CryptoKey, importJWK } from "jose";
import { sealArchive } from "./archive.ts";
import { createKey } from "./create-key.ts";
import { type HeldKey, keysOf, publicKeyOf, type WorkspaceKeyset } from "./keyset.ts";
import { keyIdOf, type WorkspacePublicKey } from "./public-key.ts";
import { SealError } from "./seal-error.ts";

const STATEMENT_TYPE = "dnb-rotation+jws";

/** What the plane is told of a rotation; it can read the public key and nothing else of use. */
export type RotationNotice = Pick<KeyRotation, "fromKeyId" | "key" | "statement" | "archive">;

/**
 * Adds the key that will come after the current one. Until {@link makeCurrent} it only opens, so the file can be copied to
 * every machine that must open things before the first thing is sealed to it. One that is already prepared is kept.
 *
 * @param input.newIndexKey also changes the key of blind tags: cache and idempotency keys then all look new. Default false.
 */
export async function prepareRotation(
  keyset: WorkspaceKeyset,
  input: { now: Date; newIndexKey?: boolean | undefined },
): Promise<WorkspaceKeyset> {
  if (successorOf(keyset) !== undefined) return keyset;
  const { workspaceId, indexKey, otherKeys } = keyset;
  // Later than the current key's whatever the clock says: their order decides which is newer.
  const createdAtMs = Math.max(input.now.getTime(), Date.parse(keyset.createdAt) + 1);
  const next = await createKey({
    workspaceId,
    createdAt: new Date(createdAtMs).toISOString(),
    ...(input.newIndexKey !== true && { indexKey }),
  });
  return { ...keyset, otherKeys: [next, ...otherKeys] };
}

/** The key that was prepared to come after the current one; undefined when there is none. */
export function successorOf(keyset: WorkspaceKeyset): HeldKey | undefined {
  return keyset.otherKeys.find(({ createdAt }) => createdAt > keyset.createdAt);
}

/**
 * The keyset as it stands when the plane seals with `keyId`: with that key current if it is held and newer than the current
 * one. A plane that names an older key is not followed, since it may have been withdrawn for a reason.
 */
export function makeCurrent(keyset: WorkspaceKeyset, keyId: string): WorkspaceKeyset {
  const next = keyset.otherKeys.find((key) => key.keyId === keyId);
  if (next === undefined || next.createdAt <= keyset.createdAt) return keyset;
  const otherKeys = keysOf(keyset).filter((key) => key !== next);
  return { version: 1, workspaceId: keyset.workspaceId, ...next, otherKeys };
}

/** The statement by which the current key names its successor, and the sealed archive from which `recover` rebuilds it. */
export async function announceRotation(
  keyset: WorkspaceKeyset,
  next: HeldKey,
): Promise<RotationNotice> {
  const { workspaceId } = keyset;
  const { keyId, publicJwk } = publicKeyOf({ workspaceId, ...next });
  const [current] = keysOf(keyset);
  const claim: Claim = { ws: workspaceId, from: keyset.keyId, to: { keyId, publicJwk } };
  const signature = new CompactSign(new TextEncoder().encode(JSON.stringify(claim)));
  const statement = await signature
    .setProtectedHeader({ alg: "ES256", typ: STATEMENT_TYPE, kid: keyset.keyId })
    .sign(await signingKey(keyset.privateJwk));
  const archive = await sealArchive({ workspaceId, key: next, previous: current as HeldKey });
  return { fromKeyId: keyset.keyId, key: { keyId, publicJwk }, statement, archive };
}

/**
 * Follows the rotations from a pinned public key to the newest one. Each step must be signed by the key before it, so a
 * hostile plane cannot slip in a key of its own. Rotations that do not lead on from the pin are passed over.
 *
 * @throws {SealError} `rotation_not_authentic`
 */
export async function followRotations(
  pinned: WorkspacePublicKey,
  rotations: readonly RotationNotice[],
): Promise<WorkspacePublicKey> {
  const seen = new Set([pinned.keyId]);
  let key = pinned;
  for (;;) {
    const step = rotations.find(({ fromKeyId }) => fromKeyId === key.keyId);
    if (step === undefined || seen.has(step.key.keyId)) return key;
    await verifyRotation(key, step);
    key = { workspaceId: pinned.workspaceId, ...step.key };
    seen.add(key.keyId);
  }
}

async function verifyRotation(from: WorkspacePublicKey, step: RotationNotice): Promise<void> {
  const { keyId, publicJwk } = step.key;
  const claim = await verifiedClaim(from, step);
  const isOurs = claim.ws === from.workspaceId && claim.from === from.keyId;
  // The id is a hash of the key: what was signed need not be compared beyond it.
  if (isOurs && claim.to.keyId === keyId && (await keyIdOf(publicJwk)) === keyId) return;
  throw notAuthentic(from, step);
}

type Claim = { ws: string; from: string; to: Pick<WorkspacePublicKey, "keyId" | "publicJwk"> };

async function verifiedClaim(from: WorkspacePublicKey, step: RotationNotice): Promise<Claim> {
  try {
    const key = await signingKey(from.publicJwk);
    const options = { algorithms: ["ES256"] };
    const { payload, protectedHeader } = await compactVerify(step.statement, key, options);
    if (protectedHeader.typ === STATEMENT_TYPE && protectedHeader.kid === from.keyId)
      return JSON.parse(new TextDecoder().decode(payload)) as Claim;
  } catch (cause) {
    throw notAuthentic(from, step, cause);
  }
  throw notAuthentic(from, step);
}

function notAuthentic(from: WorkspacePublicKey, step: RotationNotice, cause?: unknown): SealError {
  return new SealError(
    "rotation_not_authentic",
    `The plane says that key ${from.keyId} was followed by ${step.key.keyId}, but the key held here did not sign that; nothing was sealed to it.`,
    { cause },
  );
}

// P-256 is the curve of ES256 too. The key signs nothing but these statements, which carry a type of their own.
function signingKey({ kty, crv, x, y, d }: JsonWebKeyPair): Promise<CryptoKey> {
  return importJWK(
    { kty, crv, x, y, ...(d !== undefined && { d }) },
    "ES256",
  ) as Promise<CryptoKey>;
}

type JsonWebKeyPair = WorkspacePublicKey["publicJwk"] & { d?: string };
