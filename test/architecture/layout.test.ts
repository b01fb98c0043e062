import { expect, it } from "vitest";
import { layoutViolations } from "./layout-violations.ts";
import { publishedFiles } from "./source-files.ts";

it("keeps every file where it belongs, under a name that says what it is", async () => {
  const files = await publishedFiles();
  expect(layoutViolations(files.map((file) => file.path))).toEqual([]);
});

it.each([
  ["vitest.config.ts", /"vitest.config.ts" has no place at the top level/],
  ["tools/a.ts", /"tools" has no place at the top level/],
  ["packages/core/src/RunState.ts", /not in kebab-case/],
  ["packages/core/src/utils/a.ts", /"utils" names nothing/],
  ["packages/core/src/types.ts", /"types" names nothing/],
])("would report %s", (file, why) => {
  expect(layoutViolations([file])).toEqual([expect.stringMatching(why)]);
});

it("leaves dot-files and well-named files alone", () => {
  const files = [".oxlintrc.json", ".ci/run", "apps/api/src/run-state.test.ts", "LICENSE"];
  expect(layoutViolations(files)).toEqual([]);
});
