import { expect, it } from "vitest";
import { arrayLiteral } from "./array-literal.ts";

it("quotes what PostgreSQL would otherwise read as syntax", () => {
  expect(arrayLiteral([])).toBe("{}");
  expect(arrayLiteral(["a", 'b"c', "d\\e", "f,g}", "null"])).toBe(
    '{"a","b\\"c","d\\\\e","f,g}","null"}',
  );
});
