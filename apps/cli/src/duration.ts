import { DownbeatError } from "@downbeat/contract";

const UNIT_MS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/**
 * Reads "90", "90s", "1500ms", "5m" or "2h"; a bare number is seconds. Returns milliseconds.
 *
 * @throws {DownbeatError} `usage_invalid`
 */
export function parseDurationMs(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text);
  if (match === null) {
    throw new DownbeatError("usage_invalid", {
      message: `"${text}" is not a duration; write it as 90, 90s, 1500ms, 5m or 2h.`,
    });
  }
  return Number(match[1]) * (UNIT_MS[match[2] ?? "s"] ?? 1000);
}
