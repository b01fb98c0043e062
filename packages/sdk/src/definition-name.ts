import { DownbeatError } from "@downbeat/contract/errors";
import { LONGEST_NAME, NAME_PATTERN, NAME_RULE } from "@downbeat/contract/name-pattern";

/**
 * The name of a flow or task: the one given, else the function's own.
 *
 * @throws DownbeatError `definition_invalid` when there is no function, no name, or a name the plane would refuse.
 */
export function nameOf(
  noun: "flow" | "task" | "pause",
  given: string | undefined,
  fn: { readonly name: string } | undefined,
): string {
  if (typeof fn !== "function") {
    throw new DownbeatError("definition_invalid", {
      message: `${noun}(${given === undefined ? "" : `"${given}"`}) was given no function`,
    });
  }
  const name = given ?? fn.name;
  if (name === "") {
    throw new DownbeatError("definition_invalid", {
      message: `this ${noun} has no name: its function is anonymous; give it one with ${noun}({ name: "…" }, fn)`,
    });
  }
  if (name.length <= LONGEST_NAME && NAME_PATTERN.test(name)) return name;
  const rule = name.length > LONGEST_NAME ? `may be ${LONGEST_NAME} characters long` : NAME_RULE;
  throw new DownbeatError("definition_invalid", {
    message: `"${name}" cannot name a ${noun}: it ${rule}`,
  });
}
