import { InvalidArgumentError, Option } from "commander";

/** Collects a repeatable option. */
export function collect(value: string, previous: string[] = []): string[] {
  return [...previous, value];
}

/** `-n, --limit <count>` of every list. */
export function limitOption(): Option {
  return new Option("-n, --limit <count>", "how many to show at most (1 to 200)")
    .default(20)
    .argParser((text) => {
      const limit = Number(text);
      if (Number.isInteger(limit) && limit >= 1 && limit <= 200) return limit;
      throw new InvalidArgumentError("Give a whole number from 1 to 200.");
    });
}
