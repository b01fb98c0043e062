import { defaultStateName, endedRuns, type RunDay, TERMINAL_STATE_TYPES } from "@downbeat/contract";
import { countWords } from "../format/count.ts";
import { stateWords } from "../state/state-look.ts";

// A day stands for itself, whatever the viewer's zone.
const dayAndMonth = new Intl.DateTimeFormat(undefined, {
  weekday: "short",
  day: "numeric",
  month: "short",
  timeZone: "UTC",
});
const weekday = new Intl.DateTimeFormat(undefined, { weekday: "short", timeZone: "UTC" });
/** A day such as `2026-11-23` as people read it: "Mon, Nov 23". */
export function dayWords(day: string): string {
  return dayAndMonth.format(new Date(day));
}

export function weekdayWords(day: string): string {
  return weekday.format(new Date(day));
}

/** What a bar shows, in one line: "Mon, Nov 23: 1,204 completed, 3 failed". */
export function runDayWords(runDay: RunDay): string {
  return `${dayWords(runDay.day)}: ${endsWords(runDay)}`;
}

function endsWords(runDay: RunDay): string {
  if (endedRuns(runDay) === 0) return "no run ended";
  return TERMINAL_STATE_TYPES.filter((type) => runDay.runs[type] > 0)
    .map((type) => `${countWords(runDay.runs[type])} ${stateWords(defaultStateName(type))}`)
    .join(", ")
    .toLowerCase();
}
