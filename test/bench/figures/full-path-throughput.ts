import type { Client } from "@downbeat/client";
import { waitFor } from "@downbeat/testkit/wait-for";
import { BenchPlane } from "../bench-plane.ts";
import { rateFigure, type Figure } from "../figure.ts";
import { rawSqlRate } from "../raw-sql-rate.ts";
import type { BenchDatabase } from "../bench-database.ts";

const RUNS = 4000;
const REPETITIONS = 3;

/** API, agent and warm workers running a no-op flow: from the first trigger to the last terminal state. */
export async function fullPathThroughput(name: string, database: BenchDatabase): Promise<Figure> {
  const plane = await BenchPlane.start(await database.fresh());
  try {
    await plane.startAgent(2);
    const client = plane.client();
    await drain(client, 500); // warm-up
    const rates: number[] = [];
    for (let i = 0; i < REPETITIONS; i++) rates.push(await drain(client, RUNS));
    const n = RUNS * REPETITIONS;
    return rateFigure(name, { unit: "runs/s", n, rates }, await rawSqlRate(database));
  } finally {
    await plane.stop();
  }
}

async function drain(client: Client, count: number): Promise<number> {
  const startedAt = performance.now();
  for (let made = 0; made < count; made += 500) {
    const runs = Array.from({ length: Math.min(500, count - made) }, () => ({ flowName: "noop" }));
    const { outcomes } = await client.call("createRuns", { body: { runs, returning: "ids" } });
    if (outcomes.some(({ runId }) => runId === null))
      throw new Error(`A run was refused: ${JSON.stringify(outcomes[0])}`);
  }
  await waitFor(async () => (await live(client)) === 0, {
    deadlineMs: 300_000,
    intervalMs: 250,
    describe: "an empty pool",
  });
  return count / ((performance.now() - startedAt) / 1000);
}

async function live(client: Client): Promise<number> {
  const query = { stateType: ["SCHEDULED", "PENDING", "RUNNING"], limit: 1 } as const;
  return (await client.call("listRuns", { query })).items.length;
}
