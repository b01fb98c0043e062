import { expect, it } from "vitest";
import { lineKey } from "./line-key.ts";

it("is the version 5 UUID of RFC 9562, so that others can derive it", () => {
  // Its example: the name "www.example.com" in the namespace of host names. A line number is a name like any other.
  const hostNames = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";
  expect(lineKey(hostNames, "www.example.com" as unknown as number)).toBe(
    "2ed6657d-e927-568b-95e1-2665a8aea6a2",
  );
});

it("is the same for the same line, and another for another line or key", () => {
  const [one, other] = [
    "0198c0de-0000-7000-8000-000000000001",
    "0198c0de-0000-7000-8000-000000000002",
  ];
  const keys = [lineKey(one, 1), lineKey(one, 2), lineKey(one, 12), lineKey(other, 1)];
  expect(new Set(keys).size).toBe(keys.length);
  expect(lineKey(one.toUpperCase(), 1)).toBe(keys[0]);
});
