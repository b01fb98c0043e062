import type { Run } from "@downbeat/contract";
import { expect, test } from "vitest";
import { failureGroups } from "./failure-groups.ts";

function aRun(
  id: string,
  flowName: string,
  error: { class: string; fingerprint: string | null } | null,
) {
  return { id, flowName, error } as Run;
}

test("runs that failed alike stand together, the largest group first; the others are left out", () => {
  const timeout = { class: "TimeoutError", fingerprint: "t" };
  const groups = failureGroups([
    aRun("1", "etl", { class: "TypeError", fingerprint: "a" }),
    aRun("2", "etl", timeout),
    aRun("3", "etl", null),
    aRun("4", "etl", { class: "TypeError", fingerprint: "b" }),
    aRun("5", "mail", timeout),
    aRun("6", "etl", timeout),
  ]);
  expect(
    groups.map(({ errorClass, fingerprint, runs }) => [
      errorClass,
      fingerprint,
      runs.map(({ id }) => id),
    ]),
  ).toEqual([
    ["TimeoutError", "t", ["2", "6"]],
    ["TypeError", "a", ["1"]],
    ["TypeError", "b", ["4"]],
    ["TimeoutError", "t", ["5"]],
  ]);
});
