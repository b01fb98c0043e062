import { expect, test } from "vitest";
import { plainFields } from "./plain-fields.ts";

test("values that a serialiser would choke on become text or plain data", () => {
  const fields = {
    count: 10n,
    ratio: Number.NaN,
    at: new Date(0),
    never: new Date(Number.NaN),
    set: new Set([1, 2]),
    map: new Map([["a", 1]]),
    error: new RangeError("far"),
    call: () => 1,
    nothing: null,
  };
  expect(plainFields(fields)).toMatchObject({
    count: "10",
    ratio: "NaN",
    at: "1970-01-01T00:00:00.000Z",
    never: "Invalid Date",
    set: [1, 2],
    map: { a: 1 },
    error: { class: "RangeError", message: "far" },
    call: "() => 1",
    nothing: null,
  });
});

test("cycles, depth, length and hostile getters are bounded", () => {
  const circle: Record<string, unknown> = {
    long: "x".repeat(9_000),
    many: Array.from({ length: 1_000 }, () => 1),
  };
  circle["self"] = circle;
  const copy = plainFields(circle);
  expect(JSON.stringify(copy).length).toBeLessThan(100_000);
  expect((copy["many"] as unknown[]).length).toBe(200);
  expect(
    plainFields({
      inner: {
        get trap() {
          throw new Error("no");
        },
      },
    }),
  ).toEqual({ inner: "(unreadable)" });
});
