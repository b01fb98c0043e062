const DAY_MS = 86_400_000;

/** The part of a filter that chooses runs made on a day (UTC) such as `2026-11-23`; empty without one. */
export function createdOn(
  day: string | undefined,
): { readonly createdAfter: string; readonly createdBefore: string } | Record<never, never> {
  if (day === undefined) return {};
  const startMs = Date.parse(day);
  return {
    createdAfter: new Date(startMs).toISOString(),
    createdBefore: new Date(startMs + DAY_MS).toISOString(),
  };
}
