import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { flow, log } from "@downbeat/sdk";
import { z } from "zod";
import { resultsDirectory } from "../config.ts";
import { parseCsv } from "../src/csv.ts";
import { readDataFile } from "../src/data-files.ts";

/** Tells readers of the results that they are being made anew. */
const sign = (): string => join(resultsDirectory(), "airport-pairs.working");

/**
 * All pairs of airports of a state are made in memory, and of some states there are many: should the process run out of it,
 * its `finally` does not run. The hook does, in another process, so the sign does not stay.
 */
export const airportPairs = flow(
  {
    name: "airport-pairs",
    parameters: z.object({ state: z.string().length(2).default("WA") }),
    onCrashed: async ({ name, error }) => {
      await rm(sign(), { force: true });
      log.error(`${name} crashed; choose a smaller state`, { error });
    },
  },
  async ({ state }) => {
    await mkdir(resultsDirectory(), { recursive: true });
    await writeFile(sign(), state);
    try {
      const rows = parseCsv(await readDataFile("airports.csv"));
      const names = rows.filter((row) => row["state"] === state).map((row) => row["iata"] ?? "");
      const pairs = names.flatMap((from, at) => names.slice(at + 1).map((to) => [from, to]));
      return pairs.length;
    } finally {
      await rm(sign(), { force: true });
    }
  },
);
