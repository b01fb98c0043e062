import { flow, log, task } from "@downbeat/sdk";
import { z } from "zod";
import { parseCsv } from "../src/csv.ts";
import { readDataFile } from "../src/data-files.ts";
import { groupBy } from "../src/group-by.ts";
import { writeResult } from "../src/write-result.ts";

const METRICS = ["precipitation", "temperature", "wind"] as const;
type Metric = (typeof METRICS)[number];

export type Day = { date: string; precipitation: number; low: number; high: number; wind: number };
export type MonthSummary = {
  month: string;
  days: number;
  complete: boolean;
  value: number;
  unit: string;
};

export const readDays = task(
  { name: "read-days", retries: 2, retryDelay: 500 },
  async (year: number) => {
    const rows = parseCsv(await readDataFile("seattle-weather.csv"));
    return rows.filter((row) => row["date"]?.startsWith(`${year}-`));
  },
);

export const cleanDays = task(
  { name: "clean-days" },
  async (rows: Record<string, string>[]): Promise<Day[]> => {
    const days = rows.map(toDay).filter((day) => day !== undefined);
    log.info("cleaned", { days: days.length, dropped: rows.length - days.length });
    return days;
  },
);

export const summariseMonth = task(
  { name: "summarise-month" },
  async (month: string, days: Day[], metric: Metric): Promise<MonthSummary> => {
    const complete = days.length === daysInMonth(month);
    const values = days.map((day) => valueOf(day, metric));
    // A sum over a month with gaps would be too small, so it is scaled to the whole month; a mean needs no such care.
    if (metric === "precipitation") {
      const scale = complete ? 1 : daysInMonth(month) / days.length;
      return { month, days: days.length, complete, value: round(sum(values) * scale), unit: "mm" };
    }
    const unit = metric === "temperature" ? "°C" : "m/s";
    return { month, days: days.length, complete, value: round(sum(values) / values.length), unit };
  },
);

export const saveReport = task({ name: "save-report", retries: 2 }, writeResult);

/** Twelve months of Seattle's weather by one metric, written to `results/`. */
export const seattleWeather = flow(
  {
    name: "seattle-weather",
    parameters: z.object({
      year: z.number().int().min(2012).max(2015).default(2014),
      metric: z.enum(METRICS).default("precipitation"),
    }),
  },
  async ({ year, metric }) => {
    const days = await cleanDays(await readDays(year));
    const months: MonthSummary[] = [];
    for (const [month, daysOfMonth] of byMonth(days)) {
      const summary = await summariseMonth(month, daysOfMonth, metric);
      if (!summary.complete) log.warn(`${month} has only ${summary.days} days of data`);
      months.push(summary);
    }
    const highest = months.toSorted((a, b) => b.value - a.value)[0];
    if (highest !== undefined)
      log.info(`most ${metric}: ${highest.month} with ${highest.value} ${highest.unit}`);
    const path = await saveReport(`seattle-${metric}-${year}`, { year, metric, highest, months });
    log.info(`result written to ${path}`);
    return path;
  },
);

function toDay(row: Record<string, string>): Day | undefined {
  const cells = [row["precipitation"], row["temp_min"], row["temp_max"], row["wind"]];
  const numbers = cells.map((text) =>
    text === undefined || text === "" ? Number.NaN : Number(text),
  );
  const [precipitation = Number.NaN, low = Number.NaN, high = Number.NaN, wind = Number.NaN] =
    numbers;
  if (numbers.some(Number.isNaN) || low > high) return undefined;
  return { date: row["date"] ?? "", precipitation, low, high, wind };
}

function byMonth(days: Day[]): Map<string, Day[]> {
  return groupBy(days, (day) => day.date.slice(0, "2014-07".length));
}

function valueOf(day: Day, metric: Metric): number {
  if (metric === "temperature") return (day.low + day.high) / 2;
  return metric === "wind" ? day.wind : day.precipitation;
}

function daysInMonth(month: string): number {
  const [year = 0, number = 1] = month.split("-").map(Number);
  return new Date(Date.UTC(year, number, 0)).getUTCDate();
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
