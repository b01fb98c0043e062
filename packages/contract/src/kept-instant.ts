export const INSTANT_RULE = "must lie in the years 1 to 9999, less than 16 hours from UTC";

const FIRST_MS = Date.parse("0001-01-01T00:00:00Z");
const LAST_MS = Date.parse("9999-12-31T23:59:59.999Z");

/** Whether the database takes an instant that is well-formed otherwise: PostgreSQL knows no year 0 and no farther zone. */
export function isKeptInstant(text: string): boolean {
  // Nearly all of them, and many of them: every task run tells three.
  if (text.endsWith("Z") && !/^(0000|9999)/.test(text)) return true;
  const atMs = Date.parse(text);
  const [, hours = ""] = /[+-](\d\d):?\d*$/.exec(text) ?? [];
  // A part of the last millisecond would be rounded up, into a year of five digits.
  const isLast = atMs === LAST_MS && /\.\d{4}/.test(text);
  return atMs >= FIRST_MS && atMs <= LAST_MS && !isLast && Number(hours) < 16;
}
