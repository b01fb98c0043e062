import { expect, it } from "vitest";
import { optionalColumn, plainBatchColumn } from "./batch-column.ts";

it("sends a value that all rows share once", () => {
  expect(plainBatchColumn(["a", "a"])).toEqual({ array: null, same: "a" });
  expect(plainBatchColumn([null, null])).toEqual({ array: null, same: null });
  expect(plainBatchColumn([])).toEqual({ array: null, same: null });
});

it("sends values that differ as an array, nulls in their places", () => {
  expect(plainBatchColumn([1, null, 2])).toEqual({ array: "{1,NULL,2}", same: null });
  expect(optionalColumn([undefined, "a b", null])).toEqual([null, "a b", null]);
});

it("sends no array for a column that no row fills", () => {
  expect(optionalColumn([undefined, null])).toBeNull();
});
