import type { WrappedDataKey } from "@downbeat/contract";
import {
  base64url,
  type CryptoKey,
  decodeProtectedHeader,
  generalDecrypt,
  type GeneralJWE,
} from "jose";
import type { Keyring } from "./keyring.ts";
import { SealError } from "./seal-error.ts";
import { CONTENT_ENCRYPTION, WRAP_ALGORITHM, WRAP_TYPE, wrapTagInput } from "./wrap.ts";

/** A data key as a reader sees it. */
export type OpenedDataKey = {
  readonly key: CryptoKey;
  /** Whether a holder of the workspace key made it. If not, anyone may have, the host included. */
  readonly authentic: boolean;
};

/**
 * Opens a wrapped data key. The tag is checked before anything else, and the answer says whether it held.
 *
 * @throws {SealError} `wrong_key`, `tampered`, `wrong_context` or `not_sealed`
 */
export async function unwrapDataKey(
  keyring: Keyring,
  wrapped: WrappedDataKey,
): Promise<OpenedDataKey> {
  const authentic = await verifyWrap(keyring, wrapped);
  const jwe = addressedTo(keyring, wrapped);
  checkWrapHeader(keyring, { id: wrapped.id, jwe });
  const secret = await decryptWrap(keyring, { id: wrapped.id, jwe });
  const key = await crypto.subtle.importKey("raw", secret, "AES-GCM", false, ["decrypt"]);
  secret.fill(0);
  return { key, authentic };
}

async function verifyWrap(keyring: Keyring, wrapped: WrappedDataKey): Promise<boolean> {
  if (wrapped.wrapTag === null) return false;
  let tag: Uint8Array<ArrayBuffer>;
  try {
    tag = new Uint8Array(base64url.decode(wrapped.wrapTag));
  } catch {
    return false; // not base64url: as good as no tag
  }
  return crypto.subtle.verify("HMAC", keyring.authKey, tag, await wrapTagInput(keyring, wrapped));
}

/** The wrap with our recipient alone: the others' shares are none of our business. */
function addressedTo(keyring: Keyring, wrapped: WrappedDataKey): GeneralJWE {
  const jwe = parseWrap(wrapped);
  const keyIds = jwe.recipients.map((recipient) => recipient.header?.kid);
  const ours = jwe.recipients.filter((_, index) => keyIds[index] === keyring.keyId);
  if (ours.length === 0) {
    throw new SealError(
      "wrong_key",
      `Data key ${wrapped.id} needs workspace key ${keyIds.join(" or ")}; the key held is ${keyring.keyId}.`,
    );
  }
  return { ...jwe, recipients: ours.slice(0, 1) };
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
  keyring: Keyring,
  { id, jwe }: { id: string; jwe: GeneralJWE },
): Promise<Uint8Array<ArrayBuffer>> {
  let secret: Uint8Array;
  try {
    const opened = await generalDecrypt(jwe, keyring.privateKey, {
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
