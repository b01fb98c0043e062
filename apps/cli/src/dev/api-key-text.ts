import { randomBytes, randomUUID } from "node:crypto";
import { crc32 } from "node:zlib";

/** Makes the text of a new API key: `dnb_<id>_<secret><checksum>`. */
export function newApiKeyText(): string {
  const id = randomUUID().replaceAll("-", "");
  const text = `dnb_${id}_${randomBytes(32).toString("base64url")}`;
  return text + crc32(text).toString(16).padStart(8, "0");
}
