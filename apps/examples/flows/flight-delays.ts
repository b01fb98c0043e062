import { flow, log, task } from "@downbeat/sdk";
import { z } from "zod";
import { parseCsv } from "../src/csv.ts";
import { readDataFile } from "../src/data-files.ts";
import { groupBy } from "../src/group-by.ts";
import { writeResult } from "../src/write-result.ts";

const Flight = z.object({
  delay: z.number(),
  distance: z.number().positive(),
  origin: z.string().length(3),
  destination: z.string().length(3),
});
export type Flight = z.infer<typeof Flight>;
export type OriginSummary = {
  origin: string;
  city: string;
  flights: number;
  lateShare: number;
  medianDelay: number;
};

export const readFlights = task({ name: "read-flights" }, async (): Promise<unknown[]> => {
  return JSON.parse(await readDataFile("flights-20k.json")) as unknown[];
});

export const cleanFlights = task(
  { name: "clean-flights" },
  async (rows: unknown[]): Promise<Flight[]> => {
    const flights = rows.flatMap((row) => {
      const parsed = Flight.safeParse(row);
      return parsed.success ? [parsed.data] : [];
    });
    log.info("cleaned", { flights: flights.length, dropped: rows.length - flights.length });
    return flights;
  },
);

export const readCities = task({ name: "read-cities" }, async (): Promise<Map<string, string>> => {
  const airports = parseCsv(await readDataFile("airports.csv"));
  return new Map(airports.map((airport) => [airport["iata"] ?? "", airport["city"] ?? ""]));
});

export const summariseOrigin = task(
  { name: "summarise-origin" },
  async (flights: Flight[], city: string, lateMinutes: number): Promise<OriginSummary> => {
    const delays = flights.map((flight) => flight.delay).toSorted((a, b) => a - b);
    const late = delays.filter((delay) => delay > lateMinutes).length;
    return {
      origin: flights[0]?.origin ?? "",
      city,
      flights: flights.length,
      lateShare: Math.round((late / flights.length) * 1000) / 1000,
      medianDelay: delays[Math.floor(delays.length / 2)] ?? 0,
    };
  },
);

export const saveReport = task({ name: "save-report", retries: 2 }, writeResult);

/** Where flights of 2001 left late, for every airport with enough of them. */
export const flightDelays = flow(
  {
    name: "flight-delays",
    parameters: z.object({
      lateMinutes: z.number().int().min(0).default(15),
      minimumFlights: z.number().int().min(1).default(200),
    }),
  },
  async ({ lateMinutes, minimumFlights }) => {
    const [rows, cities] = await Promise.all([readFlights(), readCities()]);
    const flights = await cleanFlights(rows);
    const origins: OriginSummary[] = [];
    let skipped = 0;
    for (const [origin, departures] of groupBy(flights, (flight) => flight.origin)) {
      if (departures.length < minimumFlights) {
        skipped += 1;
        continue;
      }
      origins.push(await summariseOrigin(departures, cities.get(origin) ?? origin, lateMinutes));
    }
    log.info("summarised", { origins: origins.length, skipped });
    const ranked = origins.toSorted((a, b) => b.lateShare - a.lateShare);
    if (ranked[0] !== undefined)
      log.info(`latest departures: ${ranked[0].city} (${ranked[0].origin})`);
    return saveReport("flight-delays", { lateMinutes, minimumFlights, origins: ranked });
  },
);
