import { byCode, byInputs, flow, log, task } from "@downbeat/sdk";
import { parseCsv } from "../src/csv.ts";
import { readDataFile } from "../src/data-files.ts";
import { groupBy } from "../src/group-by.ts";
import { keptResults } from "../src/kept-results.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

/** Airports of each state, counted once a day for all runs on all agents that share the storage. */
export const countAirports = task(
  {
    name: "count-airports",
    cache: { key: byInputs().and(byCode()), ttlMs: DAY_MS, storage: keptResults },
  },
  async (file: string): Promise<Map<string, number>> => {
    const airports = parseCsv(await readDataFile(file));
    log.info("counting", { airports: airports.length });
    const byState = groupBy(airports, ({ state = "" }) => state);
    return new Map([...byState].map(([state, those]) => [state, those.length]));
  },
);

/** The states with the most airports. The first run of the day counts, the others are told. */
export const airportsByState = flow({ name: "airports-by-state" }, async () => {
  const counts = await countAirports("airports.csv");
  return [...counts].toSorted(([, a], [, b]) => b - a).slice(0, 3);
});
