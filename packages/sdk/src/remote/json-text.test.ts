import { expect, test } from "vitest";
import { jsonText } from "./json-text.ts";

test("plain data becomes its JSON, without properties that are undefined", () => {
  const shared = { n: 1 };
  expect(jsonText("p", { a: [1, "x", null, true], b: undefined, c: shared, d: shared })).toBe(
    '{"a":[1,"x",null,true],"c":{"n":1},"d":{"n":1}}',
  );
});

const cycle: Record<string, unknown> = {};
cycle["inner"] = [cycle];

test.each([
  [{ at: [new Date(0)] }, "p.at[0] is an instance of Date"],
  [{ n: Number.NaN }, "p.n is NaN"],
  [[undefined], "p[0] is of type undefined"],
  [{ n: 1n }, "p.n is of type bigint"],
  [{ seen: new Map() }, "p.seen is an instance of Map"],
  [{ call: () => {} }, "p.call is of type function"],
  [cycle, "p.inner[0] is a reference back"],
])("what JSON would lose or change is refused by its path: %#", (value, message) => {
  expect(() => jsonText("p", value)).toThrow(message);
});
