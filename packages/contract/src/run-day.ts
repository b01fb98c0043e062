import { z } from "zod";
import { plain } from "./boundary.ts";
import { LongCount, Name } from "./identifiers.ts";

/** A day of the calendar (UTC): `2026-11-23`. */
export const Day = plain(
  z.iso.date().regex(/^(19|2\d)\d\d-/, "must be a day of the years 1900 to 2999"),
);

/** Most days that one call counts. */
export const MOST_DAYS = 366;

/** Runs that have ended, by the day (UTC) on which they were made, and how they ended. */
export const RunDay = z.strictObject({
  day: Day,
  runs: z.strictObject({
    COMPLETED: LongCount,
    FAILED: LongCount,
    CRASHED: LongCount,
    CANCELLED: LongCount,
  }),
  /** For how long they ran together, from the first start of each to its end, in milliseconds. */
  runningMs: plain(z.number().min(0)),
});
export type RunDay = z.infer<typeof RunDay>;

/** How many runs that were made on a day have ended, in whatever way. */
export function endedRuns({ runs }: Pick<RunDay, "runs">): number {
  return runs.COMPLETED + runs.FAILED + runs.CRASHED + runs.CANCELLED;
}

export const RunDayFilter = z.strictObject({
  /** The first day; by default 13 days before the last. */
  from: Day.optional(),
  /** The last day; by default today. */
  to: Day.optional(),
  flowName: Name.optional(),
  deploymentName: Name.optional(),
});
export type RunDayFilter = z.infer<typeof RunDayFilter>;
