import type { Client } from "@downbeat/client";
import { waitFor } from "@downbeat/testkit/wait-for";
import type { BenchDatabase } from "../bench-database.ts";
import { BenchPlane } from "../bench-plane.ts";
import { rateFigure, type Figure } from "../figure.ts";
import { rawSqlRate } from "../raw-sql-rate.ts";

const TASKS_PER_RUN = 10_000;
const REPETITIONS = 3;

/** Task runs of two flows at a time, from the trigger until the last of them is in the database and its run has ended. */
export async function taskRunsRecorded(database: BenchDatabase): Promise<Figure> {
  const plane = await BenchPlane.start(await database.fresh());
  try {
    await plane.startAgent(2);
    const client = plane.client();
    await record(client, 1); // warm-up
    const rates: number[] = [];
    for (let i = 0; i < REPETITIONS; i++) rates.push(await record(client, 2));
    const n = TASKS_PER_RUN * 2 * REPETITIONS;
    const limit = await rawSqlRate(database);
    return rateFigure("task_runs_recorded", { unit: "task runs/s", n, rates }, limit);
  } finally {
    await plane.stop();
  }
}

// An agent reports a run's end after everything the run said, so a run that has ended is recorded whole.
async function record(client: Client, runs: number): Promise<number> {
  const startedAt = performance.now();
  const asked = Array.from({ length: runs }, () => ({ flowName: "many-tasks" }));
  const { outcomes } = await client.call("createRuns", { body: { runs: asked } });
  const runIds = outcomes.map(({ run }) => run?.id);
  await waitFor(
    async () => {
      const { items } = await client.call("listRuns", { query: { flowName: "many-tasks" } });
      const mine = items.filter(({ id }) => runIds.includes(id));
      const failed = mine.find(({ state }) => state.type === "FAILED" || state.type === "CRASHED");
      if (failed !== undefined) throw new Error(`run ${failed.id} ended ${failed.state.name}`);
      return mine.length === runs && mine.every(({ state }) => state.type === "COMPLETED");
    },
    { deadlineMs: 300_000, intervalMs: 50, describe: "the end of the runs" },
  );
  return (runs * TASKS_PER_RUN) / ((performance.now() - startedAt) / 1_000);
}
