import { expect, test } from "vitest";
import { readAll } from "./read-all.ts";

test("a list is read to its end, in the order of its pages", async () => {
  const pages = new Map([
    [undefined, { items: ["a", "b"], nextCursor: "two" }],
    ["two", { items: [], nextCursor: "three" }],
    ["three", { items: ["c"], nextCursor: null }],
  ]);
  const asked: (string | undefined)[] = [];
  const items = await readAll(async ({ cursor }) => {
    asked.push(cursor);
    return pages.get(cursor) ?? { items: ["a page too many"], nextCursor: null };
  });
  expect(items).toEqual(["a", "b", "c"]);
  expect(asked).toEqual([undefined, "two", "three"]);
});
