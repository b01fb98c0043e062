import { InvalidArgumentError } from "commander";
import { STATE_TYPES, type StateType } from "@downbeat/contract";

/** Reads `failed,crashed`. For commander: what is no state type is an invalid argument. */
export function parseStates(text: string): StateType[] {
  return text.split(",").map((word) => {
    const type = word.trim().toUpperCase();
    if ((STATE_TYPES as readonly string[]).includes(type)) return type as StateType;
    throw new InvalidArgumentError(
      `There is no state type "${word}"; there are ${STATE_TYPES.join(", ").toLowerCase()}.`,
    );
  });
}
