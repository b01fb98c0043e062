import { isKeysetExport, SealError } from "@downbeat/seal";

/** What a chosen file holds: a keyset, or one that is encrypted under a passphrase. */
export type KeyFile =
  | { readonly kind: "keyset"; readonly keyset: unknown }
  | { readonly kind: "export"; readonly text: string };

/** A keyset is about 600 bytes; whatever is far larger is another file. */
const LARGEST_BYTES = 64 * 1024;

/** Reads a file as `downbeat key create` or `downbeat key export` writes it. @throws {SealError} `bad_keyset` */
export async function readKeyFile(file: Pick<File, "name" | "size" | "text">): Promise<KeyFile> {
  if (file.size > LARGEST_BYTES) {
    throw new SealError(
      "bad_keyset",
      `"${file.name}" has ${file.size} bytes, far too many for a key file. Choose the file written by \`downbeat key create\`.`,
    );
  }
  const text = await file.text();
  if (isKeysetExport(text)) return { kind: "export", text };
  try {
    return { kind: "keyset", keyset: JSON.parse(text) };
  } catch {
    // No cause: JSON.parse quotes what it fails on, and that may be a secret.
    throw new SealError(
      "bad_keyset",
      `"${file.name}" is not a key file: it is not JSON. Choose the file written by \`downbeat key create\`.`,
    );
  }
}
