import { DownbeatError, Instant } from "@downbeat/contract";

const ISO_8601 =
  /^(?<day>\d{4}-\d\d-\d\d)(?:[Tt ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:[Zz]|[+-]\d\d:\d\d)?)?$/;

/**
 * Reads a time given as an option, as ISO 8601: a day is its midnight in UTC, a time without zone one of this machine's.
 *
 * @throws {DownbeatError} `usage_invalid`, also for a day that the calendar does not have
 */
export function parseInstant(option: string, text: string): string {
  const { day } = ISO_8601.exec(text)?.groups ?? {};
  const milliseconds = day !== undefined && isOfTheCalendar(day) ? Date.parse(text) : Number.NaN;
  const instant = Number.isNaN(milliseconds) ? "" : new Date(milliseconds).toISOString();
  // A zone can lead out of the years that the API takes.
  if (Instant.safeParse(instant).success) return instant;
  throw new DownbeatError("usage_invalid", {
    message: `${option} "${text}" is not a time; write it as 2026-03-01T07:00:00Z.`,
  });
}

// Date.parse() takes February 30 for March 2.
function isOfTheCalendar(day: string): boolean {
  const midnight = Date.parse(day);
  return !Number.isNaN(midnight) && new Date(midnight).toISOString().startsWith(day);
}
