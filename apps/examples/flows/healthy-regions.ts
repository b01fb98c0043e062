import { flow, task, unmapped } from "@downbeat/sdk";
import { z } from "zod";
import { parseCsv } from "../src/csv.ts";
import { readDataFile } from "../src/data-files.ts";
import { groupBy } from "../src/group-by.ts";

type Country = { region: string; income: number; years: number; people: number };
export type Region = { region: string; countries: number; years: number };

const readCountries = task({ name: "read-countries" }, async (): Promise<Country[][]> => {
  const rows = parseCsv(await readDataFile("gapminder-health-income.csv")).map((row) => ({
    region: row["region"] ?? "",
    income: Number(row["income"]),
    years: Number(row["health"]),
    people: Number(row["population"]),
  }));
  // Rows with a quoted comma are beyond the plain reader.
  const complete = rows.filter(({ income }) => Number.isFinite(income));
  return [...groupBy(complete, ({ region }) => region).values()];
});

const summarise = task(
  { name: "summarise", renderName: (countries: Country[]) => `region ${countries[0]?.region}` },
  (countries: Country[], only: { minimumIncome: number }): Region => {
    const kept = countries.filter(({ income }) => income >= only.minimumIncome);
    const people = kept.reduce((total, country) => total + country.people, 0);
    const years = kept.reduce((total, country) => total + country.years * country.people, 0);
    return {
      region: countries[0]?.region ?? "",
      countries: kept.length,
      years: people === 0 ? 0 : Math.round((10 * years) / people) / 10,
    };
  },
);

/** map: one call for each region, a few at a time; what is the same for all of them is marked as unmapped. */
export const healthyRegions = flow(
  {
    name: "healthy-regions",
    parameters: z.object({ minimumIncome: z.number().min(0).default(0) }),
  },
  async ({ minimumIncome }) => {
    const regions = readCountries.submit();
    return summarise.map(regions, unmapped({ minimumIncome }), { concurrency: 3 });
  },
);
