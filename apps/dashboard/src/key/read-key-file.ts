import { SealError } from "@downbeat/seal";

/** A keyset is about 600 bytes; whatever is far larger is another file. */
const LARGEST_BYTES = 64 * 1024;

/** Reads a key file as `downbeat key create` writes it. @throws {SealError} `bad_keyset` */
export async function readKeyFile(file: Pick<File, "name" | "size" | "text">): Promise<unknown> {
  if (file.size > LARGEST_BYTES) {
    throw new SealError(
      "bad_keyset",
      `"${file.name}" has ${file.size} bytes, far too many for a key file. Choose the file written by \`downbeat key create\`.`,
    );
  }
  try {
    return JSON.parse(await file.text());
  } catch {
    // No cause: JSON.parse quotes what it fails on, and that may be a secret.
    throw new SealError(
      "bad_keyset",
      `"${file.name}" is not a key file: it is not JSON. Choose the file written by \`downbeat key create\`.`,
    );
  }
}
