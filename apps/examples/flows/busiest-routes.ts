import { flow, log, task } from "@downbeat/sdk";
import { z } from "zod";
import { parseCsv } from "../src/csv.ts";
import { readDataFile } from "../src/data-files.ts";

export type Route = { from: string; to: string; flights: number };

const readRoutes = task(
  { name: "read-routes", retries: 2 },
  async function* (rowsAtATime: number): AsyncGenerator<Route[]> {
    const rows = parseCsv(await readDataFile("flights-airport.csv"));
    for (let start = 0; start < rows.length; start += rowsAtATime) {
      log.debug("reading on", { start });
      yield rows.slice(start, start + rowsAtATime).map((row) => ({
        from: row["origin"] ?? "",
        to: row["destination"] ?? "",
        flights: Number(row["count"]),
      }));
    }
  },
);

/** A stream: rows are worked on while more are read, and only the best of them are ever held. */
export const busiestRoutes = flow(
  {
    name: "busiest-routes",
    parameters: z.object({ top: z.number().int().min(1).default(5) }),
  },
  async ({ top }) => {
    let best: Route[] = [];
    for await (const routes of readRoutes(500)) {
      best = [...best, ...routes].toSorted((a, b) => b.flights - a.flights).slice(0, top);
    }
    return best;
  },
);
