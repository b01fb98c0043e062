import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const examples = readFileSync(new URL("./examples.test.ts", import.meta.url), "utf8");
const guide = readFileSync(new URL("../../../docs/sdk.md", import.meta.url), "utf8");
const regions = [...examples.matchAll(/\/\/ #region (\S+)\n([\s\S]*?)\n\/\/ #endregion/g)];

test("there are examples to compare", () => {
  expect(regions.map(([, name]) => name)).toEqual([
    "quick-start",
    "signal",
    "suspend",
    "retry-if",
    "run-deployment",
    "futures",
    "map",
    "stream",
    "transaction",
    "hooks",
  ]);
});

test.each(regions.map(([, name, code]) => [name, code]))(
  "docs/sdk.md shows the compiled example %s",
  (_, code) => {
    expect(guide).toContain(`\n${code}\n\`\`\``);
  },
);
