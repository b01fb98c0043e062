import { expect, test } from "vitest";
import { requireAllowed } from "./allowed-entrypoints.ts";

const ALLOWED = ["flows/", "jobs/nightly.ts#report", "one.ts"];

test.each([
  ["a file of an allowed folder", "flows/a/b.ts", "x"],
  ["an allowed file", "one.ts", "x"],
  ["an allowed export", "jobs/nightly.ts", "report"],
  ["a file written another way", "./flows/a.ts", "x"],
])("%s may be run", (_, path, exported) => {
  expect(() => requireAllowed({ path, export: exported }, ALLOWED)).not.toThrow();
});

test.each([
  ["another file", "tools/admin.ts", "x"],
  ["another export", "jobs/nightly.ts", "drop"],
  ["a file beside a folder of that name", "flows.ts", "x"],
  ["a folder whose name begins alike", "flows-old/a.ts", "x"],
  ["a way out of an allowed folder", "flows/../tools/admin.ts", "x"],
  ["the same with backslashes", "flows\\..\\tools\\admin.ts", "x"],
])("%s may not", (_, path, exported) => {
  expect(() => requireAllowed({ path, export: exported }, ALLOWED)).toThrow(/DOWNBEAT_ALLOW/);
});

test("without a list everything in the project may be run", () => {
  expect(() => requireAllowed({ path: "any.ts", export: "x" }, undefined)).not.toThrow();
});
