import type { RunDay } from "@downbeat/contract";
import { describe, expect, test } from "vitest";
import { type DayBar, dayBars } from "./day-bars.ts";

function aDay(runs: Partial<RunDay["runs"]>): RunDay {
  const none = { COMPLETED: 0, FAILED: 0, CRASHED: 0, CANCELLED: 0 };
  return { day: "2026-11-23", runs: { ...none, ...runs }, runningMs: 0 };
}

const completed = (...counts: number[]): RunDay[] =>
  counts.map((count) => aDay({ COMPLETED: count }));

function heightOf({ parts }: DayBar): number {
  return Math.round(parts.reduce((sum, { heightPercent }) => sum + heightPercent, 0));
}

describe("the bars of days", () => {
  test("are as high as the day with the most runs allows, in proportion", () => {
    expect(dayBars(completed(100, 50, 25)).map(heightOf)).toEqual([100, 50, 25]);
  });

  test("are absent where nothing ended, and wherever nothing has", () => {
    expect(dayBars(completed(0, 7)).map(({ parts }) => parts.length)).toEqual([0, 1]);
    expect(dayBars(completed(0, 0)).map(({ parts }) => parts)).toEqual([[], []]);
    expect(dayBars([])).toEqual([]);
  });

  test("have the parts in one order, failures on top", () => {
    const [bar] = dayBars([aDay({ CRASHED: 20, FAILED: 20, CANCELLED: 20, COMPLETED: 40 })]);
    expect(bar?.parts).toEqual([
      { type: "COMPLETED", heightPercent: 40 },
      { type: "CANCELLED", heightPercent: 20 },
      { type: "CRASHED", heightPercent: 20 },
      { type: "FAILED", heightPercent: 20 },
    ]);
    expect(bar?.isRaised).toBe(false);
  });

  test("show one failed run of a million, at the expense of the others, and own up to it", () => {
    const [bar] = dayBars([aDay({ COMPLETED: 1_000_000, FAILED: 1 })]);
    expect(bar?.parts.map(({ heightPercent }) => Math.round(heightPercent))).toEqual([95, 5]);
    expect(bar?.isRaised).toBe(true);
  });

  test("show a single run beside a day of thousands", () => {
    const [small, large] = dayBars(completed(1, 10_000));
    expect(small).toMatchObject({ parts: [{ heightPercent: 5 }], isRaised: true });
    expect(large).toMatchObject({ parts: [{ heightPercent: 100 }], isRaised: false });
  });

  test("show every end of a day of few runs beside one of many", () => {
    const [small] = dayBars([
      aDay({ COMPLETED: 1, FAILED: 1, CRASHED: 1, CANCELLED: 1 }),
      aDay({ COMPLETED: 1_000_000 }),
    ]);
    expect(small?.parts.map(({ heightPercent }) => heightPercent)).toEqual([5, 5, 5, 5]);
  });

  test("keep their differences beside a day that towers above them, which is cut", () => {
    const bars = dayBars(completed(100, 50, 0, 1_000_000, 80));
    expect(bars.map(heightOf)).toEqual([75, 38, 0, 100, 60]);
    expect(bars.map(({ isCut }) => isCut)).toEqual([false, false, false, true, false]);
  });

  test("are not cut for a day that is merely larger", () => {
    expect(dayBars(completed(100, 90, 1_800)).some(({ isCut }) => isCut)).toBe(false);
    expect(dayBars(completed(100, 90, 2_001)).some(({ isCut }) => isCut)).toBe(true);
  });

  test("are not cut when large days are no exception", () => {
    const days = completed(1, 1, 1, 1, 1, 1, 1_000, 1_000, 1_000, 1_000);
    expect(dayBars(days).some(({ isCut }) => isCut)).toBe(false);
  });
});
