import { InvalidArgumentError } from "commander";
import { Day } from "@downbeat/contract";

/** A day of the calendar, as an option gives it. For commander: what is no day is an invalid argument. */
export function parseDay(text: string): string {
  if (Day.safeParse(text).success) return text;
  throw new InvalidArgumentError("Give a day of the calendar, written as 2026-03-01.");
}
