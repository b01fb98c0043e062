import type { WrappedDataKey } from "@downbeat/contract";
import type { CryptoKey } from "jose";
import { importMaterial } from "./empty-log.ts";
import type { Keyring } from "./keyring.ts";
import type { WorkspacePublicKey } from "./public-key.ts";
import { SealError } from "./seal-error.ts";
import { wrapDataKey } from "./wrap.ts";

/** A symmetric key that seals in bulk, together with its wrapped form for storage on the hosted plane. */
export type DataKey = {
  readonly id: string;
  readonly workspaceId: string;
  /** AES-GCM 256, not extractable. */
  readonly key: CryptoKey;
  /** The same bytes for HKDF, not extractable. */
  readonly material: CryptoKey;
  readonly wrapped: WrappedDataKey;
  /** How many blobs it has sealed. */
  sealedCount: number;
};

// NIST SP 800-38D §8.3 allows 2^32 blobs per AES-GCM key with random nonces. Half of that leaves room to change keys.
const WORN_AT_COUNT = 2 ** 31;

/**
 * Makes a data key and wraps it for each recipient. Wrapping costs about a millisecond and a half per recipient, so make
 * one per agent session or caller and not one per run.
 *
 * @param input.recipients at least one; all of one workspace. About forty fit into a wrapped key on the wire.
 * @param input.keyring signs the wrap. Without it the key may seal parameters only: readers refuse anything else.
 * @throws {SealError} `bad_public_key`, or `wrong_context` when recipients or keyring are of different workspaces.
 */
export async function createDataKey(input: {
  recipients: readonly WorkspacePublicKey[];
  keyring?: Keyring | undefined;
}): Promise<DataKey> {
  const workspaceId = commonWorkspace(input.recipients, input.keyring);
  const id = crypto.randomUUID();
  const secret = crypto.getRandomValues(new Uint8Array(32));
  const wrapped = await wrapDataKey({ id, workspaceId, secret }, input);
  const key = await crypto.subtle.importKey("raw", secret, "AES-GCM", false, [
    "encrypt",
    "decrypt",
  ]);
  const material = await importMaterial(secret);
  secret.fill(0);
  return { id, workspaceId, key, material, wrapped, sealedCount: 0 };
}

/** Whether the key should be replaced by a new one soon. At twice this many blobs, sealing is refused. */
export function dataKeyIsWorn(dataKey: DataKey): boolean {
  return dataKey.sealedCount >= WORN_AT_COUNT;
}

/** Counts one more blob. @throws {SealError} `data_key_worn` at 2^32 blobs. */
export function countSealed(dataKey: DataKey): void {
  if (dataKey.sealedCount >= 2 * WORN_AT_COUNT) {
    throw new SealError(
      "data_key_worn",
      `Data key ${dataKey.id} has sealed ${dataKey.sealedCount} blobs; make a new one with createDataKey().`,
    );
  }
  dataKey.sealedCount += 1;
}

function commonWorkspace(recipients: readonly WorkspacePublicKey[], keyring?: Keyring): string {
  const [first] = recipients;
  if (first === undefined) {
    throw new SealError(
      "bad_public_key",
      "A data key needs at least one recipient; nobody could open it.",
    );
  }
  const stranger = [...recipients, ...(keyring === undefined ? [] : [keyring])].find(
    ({ workspaceId }) => workspaceId !== first.workspaceId,
  );
  if (stranger !== undefined) {
    throw new SealError(
      "wrong_context",
      `Key ${stranger.keyId} is of workspace ${stranger.workspaceId}, but the data key is for ${first.workspaceId}.`,
    );
  }
  return first.workspaceId;
}
