import { expect, test } from "vitest";
import { toErrorRecord } from "./error-record.ts";
import { fitErrorRecord } from "./standalone/fit-error-record.ts";

class HttpError extends Error {}

test.each([
  ["a subclass that never sets its name", new HttpError("x"), "HttpError"],
  [
    "a name set on a plain Error",
    Object.assign(new Error("x"), { name: "LimitExceeded" }),
    "LimitExceeded",
  ],
  ["a DOMException", new DOMException("x", "AbortError"), "AbortError"],
  [
    "a name that is no identifier",
    Object.assign(new Error("x"), { name: "row 7 of Alice" }),
    "Error",
  ],
  ["a built-in", new TypeError("x"), "TypeError"],
])("the class of %s", (_, error, expected) => {
  expect(toErrorRecord(error).class).toBe(expected);
});

test("causes are followed to a bounded depth, also in a circle", () => {
  const circle = new Error("round");
  circle.cause = circle;
  let depth = 0;
  for (let at = toErrorRecord(circle).cause; at !== undefined; at = at.cause) depth += 1;
  expect(depth).toBe(4);
  const several = new AggregateError([new RangeError("first"), new Error("second")], "several");
  expect(toErrorRecord(several).cause).toMatchObject({ class: "RangeError", message: "first" });
});

test.each([
  ["undefined", undefined, "thrown value: undefined"],
  ["a string", "text", "thrown value: text"],
  ["an object", { code: 7 }, "thrown value: { code: 7 }"],
  ["a symbol", Symbol("odd"), "thrown value: Symbol(odd)"],
])("throwing %s is recorded as ThrownValue", (_, thrown, message) => {
  expect(toErrorRecord(thrown)).toEqual({ class: "ThrownValue", message });
});

test("a thrown value that cannot be read is recorded none the less", () => {
  const hostile = new Proxy(new Error("x"), {
    get: () => {
      throw new Error("no reading");
    },
  });
  expect(toErrorRecord(hostile).message).toContain("cannot be read");
});

test("a record too large to seal loses its causes first, then its stack, then the end of its message", () => {
  const record = {
    class: "E",
    message: "m".repeat(100),
    stack: "s".repeat(1_000),
    cause: { class: "C", message: "c".repeat(5_000) },
  };
  expect(fitErrorRecord(record, 10_000)).toBe(record);
  expect(Object.keys(fitErrorRecord(record, 2_000))).toEqual(["class", "message", "stack"]);
  expect(Object.keys(fitErrorRecord(record, 500))).toEqual(["class", "message"]);
  expect(fitErrorRecord(record, 80).message).toBe("m".repeat(10));
});
