import { expect, test } from "vitest";
import { canonicalJson } from "./canonical-json.ts";

test("the order of properties does not matter, the order of items does", () => {
  expect(canonicalJson({ b: [2, 1], a: { d: null, c: "é" } })).toBe(
    '{"a":{"c":"é","d":null},"b":[2,1]}',
  );
  expect(canonicalJson([1, 2])).not.toBe(canonicalJson([2, 1]));
});

test("keys are sorted by code unit, as RFC 8785 section 3.2.3 shows", () => {
  const value = {
    "\u20ac": 1,
    "\r": 2,
    "\ufb33": 3,
    "1": 4,
    "\ud83d\ude00": 5,
    "\u0080": 6,
    "\u00f6": 7,
  };
  const values = [...canonicalJson(value).matchAll(/:(\d)/g)].map(([, digit]) => Number(digit));
  expect(values).toEqual([2, 4, 6, 7, 1, 5, 3]);
});

test("dates go through toJSON, and absent properties equal undefined ones", () => {
  expect(canonicalJson({ at: new Date(0) })).toBe('{"at":"1970-01-01T00:00:00.000Z"}');
  expect(canonicalJson({ a: 1, b: undefined })).toBe(canonicalJson({ a: 1 }));
});

const itself: unknown[] = [];
itself.push(itself);

test.each([
  ["NaN", { rows: [Number.NaN] }, "$.rows.0"],
  ["a big integer", { n: 1n }, "$.n"],
  ["a Map", { seen: new Map([[1, 2]]) }, "$.seen"],
  ["undefined in a list", [undefined], "$.0"],
  // oxlint-disable-next-line no-sparse-arrays -- a hole is the input under test
  ["a hole in a list", [1, , 2], "$.1"],
  ["a function", { f: () => 1 }, "$.f"],
  ["itself", itself, "$.0"],
])("%s is refused by place, since JSON would merge it with another value", (_, value, place) => {
  expect(() => canonicalJson(value)).toThrow(
    expect.objectContaining({
      code: "not_json",
      message: expect.stringContaining(`${place} holds`),
    }),
  );
});
