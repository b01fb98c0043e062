import { rm } from "node:fs/promises";
import { flow, log, NonRetriableError, task, transaction } from "@downbeat/sdk";
import { z } from "zod";
import { parseCsv } from "../src/csv.ts";
import { readDataFile } from "../src/data-files.ts";
import { groupBy } from "../src/group-by.ts";
import { writeResult } from "../src/write-result.ts";

const readSources = task({ name: "read-sources" }, async () => {
  const rows = parseCsv(await readDataFile("iowa-electricity.csv"));
  return groupBy(rows, (row) => row["source"] ?? "");
});

const publish = task(
  {
    name: "publish",
    renderName: "publish {name}",
    onCommit: ({ result: path }) => log.info(`${path} stays`),
    onRollback: ({ result: path }) => rm(path),
  },
  async (name: string, rows: Record<string, string>[]) => writeResult(name, rows),
);

const checkComplete = task(
  { name: "check-complete", retries: 3 },
  (rows: Record<string, string>[], years: number) => {
    if (rows.length < years)
      throw new NonRetriableError(`${rows.length} years of data; ${years} are needed`);
  },
);

/** A transaction: either every source is published, or none is. */
export const publishElectricity = flow(
  {
    name: "publish-electricity",
    parameters: z.object({ years: z.number().int().min(1).default(17) }),
  },
  async ({ years }) => {
    const sources = await readSources();
    return transaction(async () => {
      const paths: string[] = [];
      for (const [source, rows] of sources) {
        paths.push(await publish(`iowa-${source.toLowerCase().replaceAll(" ", "-")}`, rows));
        await checkComplete(rows, years);
      }
      return paths;
    });
  },
);
