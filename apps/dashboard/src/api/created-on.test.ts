import { expect, test } from "vitest";
import { createdOn } from "./created-on.ts";

test("a day is chosen from its midnight to the next, in UTC", () => {
  expect(createdOn("2026-12-31")).toEqual({
    createdAfter: "2026-12-31T00:00:00.000Z",
    createdBefore: "2027-01-01T00:00:00.000Z",
  });
  expect(createdOn(undefined)).toEqual({});
});
