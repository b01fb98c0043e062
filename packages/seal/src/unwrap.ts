import type { WrappedDataKey } from "@downbeat/contract";
import {
  base64url,
  type CryptoKey,
  decodeProtectedHeader,
  generalDecrypt,
  type GeneralJWE,
} from "jose";
import { importMaterial } from "./empty-log.ts";
import { heldKeyIds, type Keyring, type KeyringKey } from "./keyring.ts";
import { SealError } from "./seal-error.ts";
import { CONTENT_ENCRYPTION, WRAP_ALGORITHM, WRAP_TYPE, wrapTagInput } from "./wrap.ts";

/** A data key as a reader sees it. */
export type OpenedDataKey = {
  readonly key: CryptoKey;
  /** The same bytes for HKDF (`deriveKey`), not extractable. */
  readonly material: CryptoKey;
  /** Whether a holder of the workspace key made it. If not, anyone may have, the host included. */
  readonly authentic: boolean;
};

/**
 * Opens a wrapped data key with whichever key of the keyring it is addressed to. The tag is checked before anything else,
 * and the answer says whether it held.
 *
 * @throws {SealError} `wrong_key`, `tampered`, `wrong_context` or `not_sealed`
 */
export async function unwrapDataKey(
  keyring: Keyring,
  wrapped: WrappedDataKey,
): Promise<OpenedDataKey> {
  const { secret, authentic } = await unwrapSecret(keyring, wrapped);
  const key = await crypto.subtle.importKey("raw", secret, "AES-GCM", false, ["decrypt"]);
  const material = await importMaterial(secret);
  secret.fill(0);
  return { key, material, authentic };
}

/** The data key's 32 bytes, for whoever wraps them anew. */
export async function unwrapSecret(
  keyring: Keyring,
  wrapped: WrappedDataKey,
): Promise<{ secret: Uint8Array<ArrayBuffer>; authentic: boolean; keyIds: string[] }> {
  const jwe = parseWrap(wrapped);
  const { key, recipients } = addressee(keyring, { id: wrapped.id, jwe });
  const authentic = await verifyWrap({ ...keyring, authKey: key.authKey }, wrapped);
  checkWrapHeader(keyring, { id: wrapped.id, jwe });
  const secret = await decryptWrap(key, { id: wrapped.id, jwe: { ...jwe, recipients } });
  return { secret, authentic, keyIds: jwe.recipients.map(({ header }) => String(header?.kid)) };
}

async function verifyWrap(
  holder: Pick<Keyring, "workspaceId" | "authKey">,
  wrapped: WrappedDataKey,
): Promise<boolean> {
  if (wrapped.wrapTag === null) return false;
  let tag: Uint8Array<ArrayBuffer>;
  try {
    tag = new Uint8Array(base64url.decode(wrapped.wrapTag));
  } catch {
    return false; // not base64url: as good as no tag
  }
  return crypto.subtle.verify("HMAC", holder.authKey, tag, await wrapTagInput(holder, wrapped));
}

/** The newest of our keys that the wrap names, and its share alone: the others' are none of our business. */
function addressee(keyring: Keyring, { id, jwe }: { id: string; jwe: GeneralJWE }) {
  for (const key of [keyring, ...keyring.otherKeys]) {
    const share = jwe.recipients.find(({ header }) => header?.kid === key.keyId);
    if (share !== undefined) return { key, recipients: [share] };
  }
  const needed = jwe.recipients.map(({ header }) => header?.kid).join(" or ");
  throw new SealError(
    "wrong_key",
    `Data key ${id} needs workspace key ${needed}; ${heldKeyIds(keyring)}.`,
  );
}

function parseWrap({ id, wrap }: WrappedDataKey): GeneralJWE {
  try {
    const value: unknown = JSON.parse(wrap);
    if (isGeneralJwe(value)) return value;
  } catch (cause) {
    throw new SealError("not_sealed", `The wrap of data key ${id} is not JSON.`, { cause });
  }
  throw new SealError("not_sealed", `The wrap of data key ${id} is not a JWE with recipients.`);
}

function isGeneralJwe(value: unknown): value is GeneralJWE {
  return (
    typeof value === "object" &&
    value !== null &&
    "recipients" in value &&
    Array.isArray(value.recipients) &&
    value.recipients.every((recipient) => typeof recipient === "object" && recipient !== null)
  );
}

function checkWrapHeader(keyring: Keyring, { id, jwe }: { id: string; jwe: GeneralJWE }): void {
  const header = protectedHeader(id, jwe);
  if (header["typ"] !== WRAP_TYPE) {
    throw new SealError("not_sealed", `The wrap of data key ${id} is not of type ${WRAP_TYPE}.`);
  }
  if (header["ws"] !== keyring.workspaceId || header["dk"] !== id) {
    throw new SealError(
      "wrong_context",
      `The wrap of data key ${id} was made for data key ${String(header["dk"])} of workspace ${String(header["ws"])}.`,
    );
  }
}

function protectedHeader(id: string, jwe: GeneralJWE): Record<string, unknown> {
  try {
    return decodeProtectedHeader(jwe);
  } catch (cause) {
    throw new SealError("not_sealed", `The wrap of data key ${id} has no readable header.`, {
      cause,
    });
  }
}

async function decryptWrap(
  { privateKey }: KeyringKey,
  { id, jwe }: { id: string; jwe: GeneralJWE },
): Promise<Uint8Array<ArrayBuffer>> {
  let secret: Uint8Array;
  try {
    const opened = await generalDecrypt(jwe, privateKey, {
      keyManagementAlgorithms: [WRAP_ALGORITHM],
      contentEncryptionAlgorithms: [CONTENT_ENCRYPTION],
      maxDecompressedLength: 0,
    });
    secret = opened.plaintext;
  } catch (cause) {
    throw new SealError(
      "tampered",
      `Data key ${id} does not unwrap: it was altered or is malformed.`,
      { cause },
    );
  }
  if (secret.byteLength !== 32) {
    throw new SealError(
      "not_sealed",
      `Data key ${id} has ${secret.byteLength} bytes instead of 32.`,
    );
  }
  return new Uint8Array(secret);
}
