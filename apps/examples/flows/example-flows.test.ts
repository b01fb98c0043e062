import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { failsInThirdTask, totalGross } from "./fails-in-third-task.ts";
import { flightDelays, type OriginSummary } from "./flight-delays.ts";
import { type Day, type MonthSummary, seattleWeather, summariseMonth } from "./seattle-weather.ts";

let out: string;

beforeAll(async () => {
  out = await mkdtemp(join(tmpdir(), "downbeat-examples-"));
  vi.stubEnv("EXAMPLE_RESULTS_DIR", out);
});

afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(out, { recursive: true, force: true });
});

describe("seattle-weather", () => {
  it("sums the real precipitation of every month of a year and writes it to disk", async () => {
    const path = await seattleWeather({ year: 2014, metric: "precipitation" });
    expect(path).toBe(join(out, "seattle-precipitation-2014.json"));
    const report = await readReport<{ months: MonthSummary[]; highest: MonthSummary }>(path);
    expect(report.months).toHaveLength(12);
    expect(report.months.every((month) => month.complete)).toBe(true);
    expect(report.highest).toEqual({
      month: "2014-03",
      days: 31,
      complete: true,
      value: 240,
      unit: "mm",
    });
  });

  it("averages temperatures instead of adding them up", async () => {
    const report = await readReport<{ highest: MonthSummary }>(
      await seattleWeather({ year: 2015, metric: "temperature" }),
    );
    expect(report.highest.month).toBe("2015-07");
    expect(report.highest.value).toBeGreaterThan(15);
    expect(report.highest.value).toBeLessThan(30);
  });

  it("scales the sum of a month with missing days and says that it is incomplete", async () => {
    const day: Day = { date: "2014-02-01", precipitation: 2, low: 1, high: 5, wind: 3 };
    const summary = await summariseMonth(
      "2014-02",
      Array.from({ length: 14 }, () => day),
      "precipitation",
    );
    expect(summary).toEqual({ month: "2014-02", days: 14, complete: false, value: 56, unit: "mm" });
  });

  it("refuses a year outside the data set", async () => {
    await expect(seattleWeather({ year: 1999 })).rejects.toThrow(/year/);
  });
});

describe("flight-delays", () => {
  it("ranks busy airports by their share of late departures", async () => {
    const report = await readReport<{ origins: OriginSummary[] }>(await flightDelays({}));
    const shares = report.origins.map((origin) => origin.lateShare);
    expect(shares.length).toBeGreaterThan(10);
    expect(shares).toEqual(shares.toSorted((a, b) => b - a));
    expect(report.origins.every((origin) => origin.flights >= 200)).toBe(true);
  });
});

describe("fails-in-third-task", () => {
  it("fails in its third task with the row and the title that broke it", async () => {
    await expect(failsInThirdTask({})).rejects.toThrow(/^row \d+: Title is 1776/);
  });

  it("would add up the gross of rows that parse", async () => {
    await expect(
      totalGross([
        { Title: "A", "US Gross": 3 },
        { Title: "B", "US Gross": null },
      ]),
    ).resolves.toBe(3);
  });
});

async function readReport<R>(path: string): Promise<R> {
  return JSON.parse(await readFile(path, "utf8")) as R;
}
