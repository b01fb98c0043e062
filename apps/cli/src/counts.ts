import { InvalidArgumentError } from "commander";

/** A whole number, 0 or more, as an option gives it. */
export function parseCount(text: string): number {
  const count = Number(text);
  if (text.trim() !== "" && Number.isInteger(count) && count >= 0) return count;
  throw new InvalidArgumentError("Give a whole number, 0 or more.");
}

/** A whole number, or `none`. Not null for it: commander takes an option's null for one without a value. */
export function parseCountOrNone(text: string): number | "none" {
  return text === "none" ? text : parseCount(text);
}
