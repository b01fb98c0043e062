import { DownbeatError } from "@downbeat/contract";

const UNIT_MS: Record<string, number> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/**
 * Reads "90", "90s", "1500ms", "5m", "2h" or "30d"; a bare number is seconds. Returns milliseconds.
 *
 * @throws {DownbeatError} `usage_invalid`
 */
export function parseDurationMs(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text);
  if (match === null) {
    throw new DownbeatError("usage_invalid", {
      message: `"${text}" is not a duration; write it as 90, 90s, 1500ms, 5m, 2h or 30d.`,
    });
  }
  return Number(match[1]) * (UNIT_MS[match[2] ?? "s"] ?? 1000);
}
