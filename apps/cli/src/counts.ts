import { InvalidArgumentError } from "commander";

/** A whole number, 0 or more, as an option gives it. */
export function parseCount(text: string): number {
  const count = Number(text);
  if (text.trim() !== "" && Number.isInteger(count) && count >= 0) return count;
  throw new InvalidArgumentError("Give a whole number, 0 or more.");
}

/** A whole number, or `none` for null. */
export function parseCountOrNone(text: string): number | null {
  return text === "none" ? null : parseCount(text);
}
