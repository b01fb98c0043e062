import { partitionsRound } from "@downbeat/api";
import { openDatabase } from "@downbeat/db";
import { withClient } from "@downbeat/testkit/with-client";
import { joinPool } from "../bench-agent.ts";
import type { BenchDatabase } from "../bench-database.ts";
import { BenchPlane } from "../bench-plane.ts";
import { latencyFigure, type Figure } from "../figure.ts";
import { fillRuns } from "../fill-runs.ts";

const DAY_MS = 86_400_000;
const BYTES_PER_MB = 1_000_000;
const [COMMON, RARE] = ["bench", "rare"];

/** The size of the database once retention has taken finished runs that filled it; the limit is its size before they came. */
export async function retentionSize(postgres: BenchDatabase, runs: number): Promise<Figure[]> {
  const url = await postgres.fresh();
  if (url === undefined) throw new Error("Retention is measured on PostgreSQL.");
  const plane = await BenchPlane.start(url);
  try {
    const flows = [{ flowName: COMMON }, { flowName: RARE }];
    const agent = await joinPool(plane, plane.client(), 1, flows);
    await agent.client.close();
    const emptyMb = await sizeMb(url);
    await fillRuns(url, { runs, common: COMMON, rare: RARE });
    const fullMb = await sizeMb(url);
    await retain(url);
    const keptMb = await sizeMb(url);
    const figure = latencyFigure("retention_size", 0.5, [keptMb], emptyMb);
    return [{ ...figure, unit: "MB", n: runs, spread: [figure.limit, Math.round(fullMb)] }];
  } finally {
    await plane.stop();
  }
}

// As the engine does it three days from now, when a day is kept: what is past is emptied in one round and dropped in the next.
async function retain(url: string): Promise<void> {
  const database = await openDatabase({ url });
  const log = { info: () => {}, warn: () => {} };
  const round = partitionsRound(
    { database, log, config: { retentionDays: 1 } },
    () => new Date(Date.now() + 3 * DAY_MS),
  );
  try {
    for (let rounds = 0; rounds < 2; rounds += 1) await round(new AbortController().signal);
  } finally {
    await database.close();
  }
}

async function sizeMb(url: string): Promise<number> {
  const text = "select pg_database_size(current_database())::float8 as bytes";
  const { rows } = await withClient(url, (client) => client.query<{ bytes: number }>(text));
  return (rows[0]?.bytes ?? 0) / BYTES_PER_MB;
}
