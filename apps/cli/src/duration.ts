import { DownbeatError } from "@downbeat/contract";

const UNIT_MS: Record<string, number> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

// Beyond it a time so long ago has a year that no database keeps.
const LONGEST_DAYS = 36_500;

/**
 * Reads "90", "90s", "1500ms", "5m", "2h" or "30d"; a bare number is seconds. Returns milliseconds.
 *
 * @throws {DownbeatError} `usage_invalid`, also beyond a hundred years
 */
export function parseDurationMs(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text);
  if (match === null) {
    throw new DownbeatError("usage_invalid", {
      message: `"${text}" is not a duration; write it as 90, 90s, 1500ms, 5m, 2h or 30d.`,
    });
  }
  const milliseconds = Number(match[1]) * (UNIT_MS[match[2] ?? "s"] ?? 1000);
  if (milliseconds <= LONGEST_DAYS * 86_400_000) return milliseconds;
  throw new DownbeatError("usage_invalid", {
    message: `"${text}" is too long; give at most ${LONGEST_DAYS}d.`,
  });
}
