import { createHash } from "node:crypto";

/** The idempotency key of a line: a version 5 UUID of the line's number, within the command's own key. */
export function lineKey(key: string, line: number): string {
  const hash = createHash("sha1")
    .update(Buffer.from(key.replaceAll("-", ""), "hex"))
    .update(String(line))
    .digest();
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x50;
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80;
  const hex = hash.toString("hex");
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20, 32),
  ].join("-");
}
