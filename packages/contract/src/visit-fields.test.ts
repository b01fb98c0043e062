import { randomUUID } from "node:crypto";
import { expect, it } from "vitest";
import { ReportRequest, StandaloneRequest } from "./agent.ts";
import { visitFields } from "./visit-fields.ts";

function fieldsIn(
  ...[schema, value]: Parameters<typeof visitFields> extends [infer S, infer V, ...unknown[]]
    ? [S, V]
    : never
): string[] {
  const seen: string[] = [];
  visitFields(schema, value, (path, boundary) => seen.push(`${path} ${boundary}`));
  return seen;
}

it("names every field that is there, with its label, through lists and variants", () => {
  const fence = { runId: randomUUID(), epoch: 1, leaseToken: "0".repeat(32) };
  const items = [
    { kind: "log", ...fence, sequence: 0, lineCount: 1, chunk: "…" },
    {
      kind: "transition",
      ...fence,
      reason: "started",
      error: { class: "TypeError", detail: "…", signal: null },
    },
  ];
  const seen = fieldsIn(ReportRequest, { items });
  expect(seen).toContain("items[].chunk sealed");
  expect(seen).toContain("items[].lineCount plain");
  expect(seen).toContain("items[].error.class plain");
  expect(seen).toContain("items[].error.detail sealed");
  expect(seen.filter((field) => field === "items[].runId plain")).toHaveLength(2);
  expect(seen.join()).not.toMatch(/signal|unlabelled/);
});

it("does not pass over what the contract does not know", () => {
  expect(fieldsIn(StandaloneRequest, { flowName: "f", tags: ["a"], notes: { more: 1 } })).toEqual([
    "flowName plain",
    "tags[] plain",
    "notes unlabelled",
  ]);
});
