import { expect, test } from "vitest";
import { endingOf } from "./run-end.ts";

const CALM = { isCancelRequested: false, leaseEnded: false, oomKilled: false };

test.each([
  ["ParameterError", "parameters_invalid"],
  ["RowError", "failed"],
  // What every object has besides.
  ["constructor", "failed"],
  ["toString", "failed"],
  ["__proto__", "failed"],
])("a flow that failed with %s ends with the reason %s", (name, reason) => {
  const outcome = {
    outcome: "failed",
    stateName: "Failed",
    error: { class: name, message: "x" },
  } as const;
  expect(endingOf({ kind: "finished", outcome, tookMs: 1 }, CALM)).toMatchObject({
    type: "FAILED",
    reason,
    error: { detail: { class: name } },
  });
});
