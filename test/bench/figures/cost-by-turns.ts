import type { Client } from "@downbeat/client";
import type { RunSpec } from "@downbeat/contract";
import { waitFor } from "@downbeat/testkit/wait-for";
import type { BenchDatabase } from "../bench-database.ts";
import { BenchPlane } from "../bench-plane.ts";
import { quantile, rateFigure, type Figure } from "../figure.ts";

const RUNS = 1000;
const REPETITIONS = 5;
const BATCH = 250;
const PARAMETER_BYTES = 1024;

/** The flow that every run is of, and what it is given. */
export const CHATTY = { flowName: "chatty", deploymentName: "default", tags: [] };
export const GIVEN = { text: "x".repeat(PARAMETER_BYTES) };

/** One way of running the same: an agent for it, and who makes its runs. */
export type Way = {
  readonly startAgent: (plane: BenchPlane) => Promise<void>;
  readonly maker: (plane: BenchPlane, client: Client) => Promise<() => Promise<RunSpec>>;
};

type Side = { readonly client: Client; readonly make: () => Promise<RunSpec> };

/**
 * What something costs where runs carry something: the full path with a parameter of 1 kB and ten log lines a run. The
 * limit is the same without it, taken by turns in the same run.
 */
export async function costByTurns(
  figure: string,
  database: BenchDatabase,
  ways: { readonly measured: Way; readonly limit: Way },
): Promise<Figure> {
  const planes: BenchPlane[] = [];
  const sideOf = async (way: Way): Promise<Side> => {
    const plane = await BenchPlane.start(await database.fresh());
    planes.push(plane);
    await way.startAgent(plane);
    const client = plane.client();
    return { client, make: await way.maker(plane, client) };
  };
  try {
    const sides = [await sideOf(ways.measured), await sideOf(ways.limit)] as const;
    for (const side of sides) await drain(side, 100); // warm-up
    const rates: [number[], number[]] = [[], []];
    for (let i = 0; i < REPETITIONS; i++)
      for (const at of [0, 1] as const) rates[at].push(await drain(sides[at], RUNS));
    const limit = quantile(
      rates[1].toSorted((a, b) => a - b),
      0.5,
    );
    return rateFigure(figure, { unit: "runs/s", n: RUNS * REPETITIONS, rates: rates[0] }, limit);
  } finally {
    for (const plane of planes) await plane.stop();
  }
}

async function drain({ client, make }: Side, count: number): Promise<number> {
  const startedAt = performance.now();
  for (let made = 0; made < count; made += BATCH) {
    const size = Math.min(BATCH, count - made);
    const runs = await Promise.all(Array.from({ length: size }, make));
    const { outcomes } = await client.call("createRuns", { body: { runs, returning: "ids" } });
    const refused = outcomes.find(({ runId }) => runId === null);
    if (refused !== undefined) throw new Error(`A run was refused: ${JSON.stringify(refused)}`);
  }
  const isOver = async (): Promise<boolean> => (await live(client)) === 0;
  await waitFor(isOver, { deadlineMs: 300_000, intervalMs: 100, describe: "an empty pool" });
  const rate = count / ((performance.now() - startedAt) / 1000);
  const failed = await client.call("listRuns", { query: { stateType: ["FAILED"], limit: 1 } });
  if (failed.items.length > 0) throw new Error(`A run failed: ${JSON.stringify(failed.items[0])}`);
  return rate;
}

async function live(client: Client): Promise<number> {
  const query = { stateType: ["SCHEDULED", "PENDING", "RUNNING"], limit: 1 } as const;
  return (await client.call("listRuns", { query })).items.length;
}
