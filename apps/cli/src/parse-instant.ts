import { DownbeatError } from "@downbeat/contract";

/**
 * Reads a time given as an option, as ISO 8601 in UTC.
 *
 * @throws {DownbeatError} `usage_invalid`
 */
export function parseInstant(option: string, text: string): string {
  const milliseconds = Date.parse(text);
  if (!Number.isNaN(milliseconds)) return new Date(milliseconds).toISOString();
  throw new DownbeatError("usage_invalid", {
    message: `${option} "${text}" is not a time; write it as 2026-03-01T07:00:00Z.`,
  });
}
