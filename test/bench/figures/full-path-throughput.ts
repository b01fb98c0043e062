import type { Client } from "@downbeat/client";
import type { StateType } from "@downbeat/contract";
import { waitFor } from "@downbeat/testkit/wait-for";
import { BenchPlane } from "../bench-plane.ts";
import { rateFigure, type Figure } from "../figure.ts";
import { rawSqlRate } from "../raw-sql-rate.ts";
import type { BenchDatabase } from "../bench-database.ts";

const WARM_UP_RUNS = 5000;
const RUNS = 10_000;
const REPETITIONS = 5;

/** API, agent and warm workers running a no-op flow: from the first trigger to the last terminal state. */
export async function fullPathThroughput(name: string, database: BenchDatabase): Promise<Figure> {
  const plane = await BenchPlane.start(await database.fresh());
  try {
    await plane.startAgent(2);
    const client = plane.client();
    await drain(client, WARM_UP_RUNS);
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
  // A look costs as much as six runs: there are few of them until the last runs are on their way.
  await untilNone(client, { stateType: ["SCHEDULED"], intervalMs: 250 });
  await untilNone(client, { stateType: ["SCHEDULED", "PENDING", "RUNNING"], intervalMs: 50 });
  return count / ((performance.now() - startedAt) / 1000);
}

type Look = { readonly stateType: StateType[]; readonly intervalMs: number };

async function untilNone(client: Client, { stateType, intervalMs }: Look): Promise<void> {
  const query = { stateType, limit: 1 };
  const isEmpty = async () => (await client.call("listRuns", { query })).items.length === 0;
  const describe = `no run that is ${stateType.join(", ")}`;
  await waitFor(isEmpty, { deadlineMs: 300_000, intervalMs, describe });
}
