import { describe, expect, it } from "vitest";
import { trendsOf, type Sample } from "./judge.ts";

function samplesOf(value: (minute: number) => number): Sample[] {
  return Array.from({ length: 60 }, (_, minute) => ({
    atMs: minute * 60_000,
    values: { api: value(minute) },
  }));
}

describe("trendsOf", () => {
  it("calls memory flat that settles after a warm-up", () => {
    const [trend] = trendsOf(
      samplesOf((minute) => (minute < 10 ? minute * 20 : 200 + (minute % 3))),
    );
    expect(trend).toMatchObject({ name: "api", early: 201, late: 201, isFlat: true });
    expect(Math.abs(trend?.perHour ?? 1)).toBeLessThan(1);
  });

  it("sees a leak, and how fast it is", () => {
    const [trend] = trendsOf(samplesOf((minute) => 100 + 3 * minute));
    expect(trend?.isFlat).toBe(false);
    expect(trend?.perHour).toBeCloseTo(180);
  });

  it("passes over moments at which there was nothing to see", () => {
    const samples = samplesOf(() => 5).map((sample, index) =>
      index % 2 === 0 ? sample : { ...sample, values: {} },
    );
    expect(trendsOf(samples)).toMatchObject([{ early: 5, late: 5, perHour: 0, isFlat: true }]);
  });
});
