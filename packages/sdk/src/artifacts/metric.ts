import { DownbeatError } from "@downbeat/contract/errors";
import { LONGEST_NAME, NAME_PATTERN, NAME_RULE } from "@downbeat/contract/name-pattern";
import { currentFrame } from "../frame.ts";
import { deliverShown, shownValue } from "./show.ts";

/**
 * Declares a number of the run around this code public: name and value are seen by the hosted plane, **in clear**. The
 * last value of a name counts; at most one a second leaves the process. Outside a run only the input is checked.
 *
 * @param name Static text like a flow's name; never made from data.
 * @example
 * metric("rows-loaded", rows.length);
 * @throws DownbeatError `metric_invalid` for a number that is not finite, or a name that holds more than letters, digits,
 * space, `.`, `_` and `-`, or over 100 characters.
 */
export function metric(name: string, value: number): void {
  checkName(name);
  if (!Number.isFinite(value)) {
    throw new DownbeatError("metric_invalid", {
      message: `metric("${name}") was given ${shownValue(value)}; it takes a finite number`,
    });
  }
  const frame = currentFrame();
  if (frame?.scope?.host !== undefined) deliverShown({ kind: "metric", name, value }, frame);
}

function checkName(name: unknown): void {
  const isText = typeof name === "string";
  if (isText && name.length <= LONGEST_NAME && NAME_PATTERN.test(name)) return;
  const isLong = isText && name.length > LONGEST_NAME;
  const rule = isLong ? `may be ${LONGEST_NAME} characters long` : NAME_RULE;
  throw new DownbeatError("metric_invalid", {
    message: `${shownValue(name)} cannot name a metric: it ${rule}`,
  });
}
