import { expect, test } from "vitest";
import { checkTags } from "./trigger-terms.ts";

test.each([
  ["", '"" is not 1 to 64 characters long'],
  ["x".repeat(65), "is not 1 to 64 characters long"],
  ["a\0b", '"a\\u0000b" holds the character U+0000'],
])("refuses the tag %j, which the plane would refuse", (tag, words) => {
  expect(() => checkTags(["fine", tag])).toThrow(words);
});
