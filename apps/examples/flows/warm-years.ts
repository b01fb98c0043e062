import { exponential, flow, log, runContext, task } from "@downbeat/sdk";
import { z } from "zod";
import { parseCsv } from "../src/csv.ts";
import { readDataFile } from "../src/data-files.ts";

const readYears = task(
  {
    name: "read-years",
    timeoutMs: 10_000,
    retries: 2,
    retryDelay: exponential({ firstMs: 20, maxMs: 100 }),
    onRetrying: ({ attempt, error }) => log.warn(`attempt ${attempt} failed`, { error }),
  },
  async (file: string) => {
    const { task: run } = runContext();
    log.info(`reading ${file}`, { retriesLeft: run?.retriesLeft });
    return parseCsv(await readDataFile(file));
  },
);

/** Hooks: whoever waits for the report is told how it went, and each failed attempt is seen as it happens. */
export const warmYears = flow(
  {
    name: "warm-years",
    parameters: z.object({
      file: z.string().default("global-temp.csv"),
      above: z.number().default(0.5),
    }),
    onCompleted: ({ name }) => log.info(`${name} is ready`),
    onFailed: ({ name, error }) => log.error(`${name} needs a look`, { error }),
  },
  async ({ file, above }) => {
    const rows = await readYears(file);
    return rows.filter((row) => Number(row["temp"]) > above).map((row) => Number(row["year"]));
  },
);
