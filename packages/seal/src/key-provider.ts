import type { WrappedDataKey } from "@downbeat/contract";
import { compactDecrypt } from "jose";
import { heldKey, heldKeyIds, type Keyring } from "./keyring.ts";
import { publicKeyOf } from "./keyset.ts";
import type { WorkspacePublicKey } from "./public-key.ts";
import { SealError } from "./seal-error.ts";
import { type OpenedDataKey, unwrapDataKey } from "./unwrap.ts";
import { CONTENT_ENCRYPTION, WRAP_ALGORITHM } from "./wrap.ts";

/**
 * What a workspace key is asked to do. A keyring does it right here; a key management service could do it elsewhere,
 * and no private key would ever be here.
 */
export type KeyProvider = {
  readonly workspaceId: string;
  /** The public half of the current key. */
  publicKey(): Promise<WorkspacePublicKey>;
  /**
   * Opens a wrapped data key, and says whether a holder of the workspace key made it.
   *
   * @throws {SealError} `wrong_key`, `tampered`, `wrong_context` or `not_sealed`
   */
  unwrap(wrapped: WrappedDataKey): Promise<OpenedDataKey>;
  /**
   * Decrypts a blob that was sealed straight to the public key of that id.
   *
   * @throws {SealError} `wrong_key`; what `jose` throws when the blob was altered.
   */
  decrypt(blob: string, keyId: string): Promise<Uint8Array>;
};

/** A provider that works with keys held right here. `current` is asked each time, so that a rotation is seen at once. */
export function keyProvider(workspaceId: string, current: () => Keyring): KeyProvider {
  return {
    workspaceId,
    publicKey: () => Promise.resolve(publicKeyOf(current())),
    unwrap: (wrapped) => unwrapDataKey(current(), wrapped),
    async decrypt(blob, keyId) {
      const { plaintext } = await compactDecrypt(blob, privateKeyOf(current(), keyId), {
        keyManagementAlgorithms: [WRAP_ALGORITHM],
        contentEncryptionAlgorithms: [CONTENT_ENCRYPTION],
        maxDecompressedLength: 0,
      });
      return plaintext;
    },
  };
}

function privateKeyOf(keyring: Keyring, keyId: string) {
  const key = heldKey(keyring, keyId);
  if (key !== undefined) return key.privateKey;
  throw new SealError("wrong_key", `This needs workspace key ${keyId}; ${heldKeyIds(keyring)}.`);
}
