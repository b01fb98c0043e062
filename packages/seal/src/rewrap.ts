import type { WrappedDataKey } from "@downbeat/contract";
import type { Keyring } from "./keyring.ts";
import { publicKeyOf } from "./keyset.ts";
import { SealError } from "./seal-error.ts";
import { unwrapSecret } from "./unwrap.ts";
import { wrapDataKey } from "./wrap.ts";

/**
 * Wraps a data key anew for the current workspace key; what it has sealed stays as it is. Undefined when the current key
 * opens it already. One without a valid tag stays without: a tag would make authentic what anyone may have made.
 *
 * @throws {SealError} `wrong_key`, `tampered`, `wrong_context`, `not_sealed`; `wrong_key` too when somebody else's key could
 * open it as well, since that share cannot be made anew here.
 */
export async function rewrapDataKey(
  keyring: Keyring,
  wrapped: WrappedDataKey,
): Promise<WrappedDataKey | undefined> {
  const { secret, authentic, keyIds } = await unwrapSecret(keyring, wrapped);
  try {
    if (keyIds.includes(keyring.keyId)) return undefined;
    const held = new Set(keyring.otherKeys.map(({ keyId }) => keyId));
    const stranger = keyIds.find((keyId) => !held.has(keyId));
    if (stranger !== undefined) {
      throw new SealError(
        "wrong_key",
        `Data key ${wrapped.id} is also for key ${stranger}, which is not held here; it was left as it is.`,
      );
    }
    return await wrapDataKey(
      { id: wrapped.id, workspaceId: keyring.workspaceId, secret },
      { recipients: [publicKeyOf(keyring)], ...(authentic && { keyring }) },
    );
  } finally {
    secret.fill(0);
  }
}
