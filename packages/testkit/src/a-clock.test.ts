import { expect, it } from "vitest";
import { aClock } from "./a-clock.ts";

it("moves only when told", () => {
  const clock = aClock("2026-01-05T09:00:00.000Z");
  expect(clock.advance(90_000).toISOString()).toBe("2026-01-05T09:01:30.000Z");
  expect(clock.nowMs()).toBe(Date.parse("2026-01-05T09:01:30.000Z"));
  expect(clock.set("2025-12-31T00:00:00Z").getUTCFullYear()).toBe(2025);
});

it("is not moved by changing a Date it handed out", () => {
  const clock = aClock("2026-01-05T09:00:00.000Z");
  clock.now().setFullYear(1999);
  expect(clock.now().getUTCFullYear()).toBe(2026);
});

it("refuses to advance backwards and text that is no instant", () => {
  expect(() => aClock().advance(-1)).toThrow("does not advance by -1 ms");
  expect(() => aClock("yesterday")).toThrow('"yesterday" is not an instant.');
});
