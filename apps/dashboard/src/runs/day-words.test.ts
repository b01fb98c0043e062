import { describe, expect, test } from "vitest";
import { countWords, shortCountWords } from "../format/count.ts";
import { dayWords, runDayWords } from "./day-words.ts";

describe("a day in words", () => {
  test("is that day of the calendar, in whatever zone it is read", () => {
    expect(dayWords("2026-11-23")).toContain("23");
    expect(dayWords("2026-03-01")).toContain("1");
    expect(dayWords("2026-03-01")).not.toContain("28");
  });

  test("tells how its runs ended, without those that did not end so", () => {
    const runs = { COMPLETED: 1_204, FAILED: 3, CRASHED: 0, CANCELLED: 0 };
    const words = runDayWords({ day: "2026-11-23", runs, runningMs: 0 });
    expect(words).toBe(`${dayWords("2026-11-23")}: ${countWords(1_204)} completed, 3 failed`);
  });

  test("says that no run ended", () => {
    const runs = { COMPLETED: 0, FAILED: 0, CRASHED: 0, CANCELLED: 0 };
    expect(runDayWords({ day: "2026-11-23", runs, runningMs: 0 })).toMatch(/: no run ended$/);
  });
});

test.each([0, 7, 840, 12_345, 999_999, 1_250_331, 987_654_321])(
  "%d has a short form that fits above a bar",
  (count) => {
    expect(shortCountWords(count).length).toBeLessThanOrEqual(5);
  },
);
