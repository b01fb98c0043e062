import { flow, task } from "@downbeat/sdk";
import { z } from "zod";
import { parseCsv } from "../src/csv.ts";
import { readDataFile } from "../src/data-files.ts";
import { keptResults } from "../src/kept-results.ts";
import { writeResult } from "../src/write-result.ts";

export type RainOfMonth = { month: string; days: number; mm: number };

/** Keeps its result: whatever fails after it, this month is not added up again in this run. */
export const addUpMonth = task(
  { name: "add-up-month", persist: { storage: keptResults } },
  async (month: string): Promise<RainOfMonth> => {
    const rows = parseCsv(await readDataFile("seattle-weather.csv"));
    const days = rows.filter(({ date = "" }) => date.startsWith(month));
    const mm = days.reduce((sum, { precipitation }) => sum + Number(precipitation), 0);
    return { month, days: days.length, mm: Math.round(mm * 10) / 10 };
  },
);

const publish = task({ name: "publish" }, writeResult);

/**
 * Adds up a year month by month and publishes it. If that fails, or the machine does, `downbeat runs retry --from-failed`
 * goes on with the months that are missing.
 */
export const keptMonths = flow(
  { name: "kept-months", parameters: z.object({ year: z.number().int().min(2012).max(2015) }) },
  async ({ year }) => {
    const months: RainOfMonth[] = [];
    for (let month = 1; month <= 12; month += 1)
      months.push(await addUpMonth(`${year}-${String(month).padStart(2, "0")}`));
    return publish(`rain-of-${year}`, { months });
  },
);
