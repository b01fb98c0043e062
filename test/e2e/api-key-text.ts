import { randomBytes, randomUUID } from "node:crypto";
import { crc32 } from "node:zlib";

/** A well-formed API key (`dnb_<id>_<secret><crc32>`) that a fresh API takes as its first. */
export function newApiKeyText(): string {
  const body = `dnb_${randomUUID().replaceAll("-", "")}_${randomBytes(32).toString("base64url")}`;
  return `${body}${crc32(body).toString(16).padStart(8, "0")}`;
}
