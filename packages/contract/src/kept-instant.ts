export const INSTANT_RULE = "must lie in the years 1 to 9999, less than 16 hours from UTC";

/** Whether the database takes an instant that is well-formed otherwise: PostgreSQL knows no year 0 and no farther zone. */
export function isKeptInstant(text: string): boolean {
  // Nearly all of them, and many of them: every task run tells three.
  if (text.endsWith("Z")) return !text.startsWith("0000");
  const [, hours = ""] = /[+-](\d\d):?\d*$/.exec(text) ?? [];
  const year = new Date(text).getUTCFullYear();
  return year >= 1 && year <= 9999 && Number(hours) < 16;
}
