import {
  endedRuns,
  type RunDay,
  TERMINAL_STATE_TYPES,
  type TerminalStateType,
} from "@downbeat/contract";
import type { Output } from "../output.ts";
import { table } from "../table.ts";
import { durationWords } from "../time-words.ts";

type Colors = Output["colors"];

const HEADER = ["DAY", "ENDED", ...TERMINAL_STATE_TYPES, "RAN"];
const NUMBERS = HEADER.map((_, column) => column).slice(1);
const TO_LOOK_AT: ReadonlySet<TerminalStateType> = new Set(["FAILED", "CRASHED"]);

const weekday = new Intl.DateTimeFormat("en", { weekday: "short", timeZone: "UTC" });
const whole = new Intl.NumberFormat("en");

/** A line for each day. One without ended runs says so: nights on which nothing ran are what some look for. */
export function runDaysTable(colors: Colors, days: readonly RunDay[]): string {
  const rows = days.map((day) => row(colors, day));
  return table(HEADER, rows, { toTheRight: NUMBERS });
}

function row(colors: Colors, runDay: RunDay): string[] {
  const { day, runs, runningMs } = runDay;
  const ended = endedRuns(runDay);
  const name = `${day} ${weekday.format(new Date(day))}`;
  if (ended === 0) return [name, colors.yellow("none"), ...NUMBERS.slice(1).map(() => "")];
  const counts = TERMINAL_STATE_TYPES.map((type) => countWords(colors, type, runs[type]));
  return [name, whole.format(ended), ...counts, durationWords(runningMs)];
}

function countWords(colors: Colors, type: TerminalStateType, count: number): string {
  const words = whole.format(count);
  if (count === 0) return colors.dim(words);
  return TO_LOOK_AT.has(type) ? colors.red(words) : words;
}
