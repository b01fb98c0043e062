import { flow, log, task } from "@downbeat/sdk";
import { z } from "zod";
import { readDataFile } from "../src/data-files.ts";

const Movie = z.object({ Title: z.string(), "US Gross": z.number().nullable() });
type Row = Record<string, unknown>;

export const readMovies = task({ name: "read-movies" }, async (): Promise<Row[]> => {
  return JSON.parse(await readDataFile("movies.json")) as Row[];
});

export const keepReleased = task(
  { name: "keep-released" },
  async (rows: Row[], from: number): Promise<Row[]> => {
    const kept = rows.filter((row) => new Date(String(row["Release Date"])).getFullYear() >= from);
    log.info("kept", { rows: kept.length, of: rows.length });
    return kept;
  },
);

// The data set holds titles such as 1776 as numbers. A strict parse finds that out; nobody invented this error.
export const parseMovies = task(
  { name: "parse-movies", retries: 1, retryDelay: 100 },
  async (rows: Row[]) => {
    return rows.map((row, index) => {
      const parsed = Movie.safeParse(row);
      if (parsed.success) return parsed.data;
      const [issue] = parsed.error.issues;
      throw new TypeError(
        `row ${index}: ${issue?.path.join(".")} is ${JSON.stringify(row["Title"])}: ${issue?.message}`,
        { cause: parsed.error },
      );
    });
  },
);

export const totalGross = task({ name: "total-gross" }, async (movies: z.infer<typeof Movie>[]) =>
  movies.reduce((total, movie) => total + (movie["US Gross"] ?? 0), 0),
);

/** Fails on purpose, in its third task, on a real flaw of a real data set. */
export const failsInThirdTask = flow(
  { name: "fails-in-third-task", parameters: z.object({ from: z.number().int().default(1900) }) },
  async ({ from }) => {
    const rows = await keepReleased(await readMovies(), from);
    const movies = await parseMovies(rows);
    return totalGross(movies);
  },
);
