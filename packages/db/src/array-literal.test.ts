import { expect, it } from "vitest";
import { arrayLiteral, plainColumn } from "./array-literal.ts";

it("quotes what PostgreSQL would otherwise read as syntax", () => {
  expect(arrayLiteral([])).toBe("{}");
  expect(arrayLiteral(["a", 'b"c', "d\\e", "f,g}", "null"])).toBe(
    '{"a","b\\"c","d\\\\e","f,g}","null"}',
  );
});

it("writes plain columns unquoted, and refuses what would need quotes", () => {
  expect(plainColumn([])).toBe("{}");
  expect(plainColumn(["2026-11-22T15:04:05.120Z", null, 7, "api-key"])).toBe(
    "{2026-11-22T15:04:05.120Z,NULL,7,api-key}",
  );
  for (const value of ['a"b', "a b", "a}b", "a\\b"])
    expect(() => plainColumn([value])).toThrow("quoted");
});
