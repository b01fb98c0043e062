import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";

const PAGES = [
  { page: "sdk.md", examples: "./examples.test.ts" },
  { page: "sdk.md", examples: "./deploy-examples.test.ts" },
  { page: "sdk.md", examples: "./artifacts-examples.test.ts" },
  { page: "sdk.md", examples: "./hooks-examples.test.ts" },
  { page: "sdk.md", examples: "./log-examples.test.ts" },
  { page: "sdk.md", examples: "./results-examples.test.ts" },
  { page: "testing.md", examples: "./testing/examples.test.ts" },
];

describe.each(PAGES)("docs/$page", ({ page, examples }) => {
  const guide = read(`../../../docs/${page}`);
  const regions = [...read(examples).matchAll(/\/\/ #region (\S+)\n([\s\S]*?)\n\/\/ #endregion/g)];

  test("there are examples to compare", () => {
    expect(regions.length).toBeGreaterThanOrEqual(1);
  });

  test.each(regions.map(([, name, code]) => [name, code]))(
    "shows the compiled example %s",
    (_, code) => {
      expect(guide).toContain(`\n${code}\n\`\`\``);
    },
  );
});

function read(path: string): string {
  return readFileSync(new URL(path, import.meta.url), "utf8");
}
