import type { WrappedDataKey } from "@downbeat/contract";
import { base64url, GeneralEncrypt } from "jose";
import type { Keyring } from "./keyring.ts";
import { importPublicKey, type WorkspacePublicKey } from "./public-key.ts";

export const WRAP_TYPE = "dnb-dek+jwe";
export const WRAP_ALGORITHM = "ECDH-ES+A256KW";
export const CONTENT_ENCRYPTION = "A256GCM";

/** Encrypts a data key to each recipient (General JWE) and, with a keyring, signs the result. */
export async function wrapDataKey(
  dataKey: { id: string; workspaceId: string; secret: Uint8Array },
  readers: { recipients: readonly WorkspacePublicKey[]; keyring?: Keyring | undefined },
): Promise<WrappedDataKey> {
  const { id, workspaceId, secret } = dataKey;
  const jwe = new GeneralEncrypt(secret).setProtectedHeader({
    enc: CONTENT_ENCRYPTION,
    typ: WRAP_TYPE,
    ws: workspaceId,
    dk: id,
  });
  for (const recipient of readers.recipients) {
    jwe
      .addRecipient(await importPublicKey(recipient))
      .setUnprotectedHeader({ alg: WRAP_ALGORITHM, kid: recipient.keyId });
  }
  const wrap = JSON.stringify(await jwe.encrypt());
  const { keyring } = readers;
  return {
    id,
    wrap,
    wrapTag: keyring === undefined ? null : await signWrap(keyring, { id, wrap }),
  };
}

async function signWrap(keyring: Keyring, wrapped: { id: string; wrap: string }): Promise<string> {
  const tag = await crypto.subtle.sign(
    "HMAC",
    keyring.authKey,
    await wrapTagInput(keyring, wrapped),
  );
  return base64url.encode(new Uint8Array(tag));
}

/** What the tag is computed over: workspace, data key and the exact text of the wrap. */
export async function wrapTagInput(
  keyring: Pick<Keyring, "workspaceId">,
  wrapped: { id: string; wrap: string },
): Promise<Uint8Array<ArrayBuffer>> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(wrapped.wrap));
  const hash = base64url.encode(new Uint8Array(digest));
  return new TextEncoder().encode(JSON.stringify([keyring.workspaceId, wrapped.id, hash]));
}
