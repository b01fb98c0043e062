import { randomUUID } from "node:crypto";
import type { Lease } from "@downbeat/contract";
import type { Client } from "@downbeat/client";
import type { BenchDatabase } from "../bench-database.ts";
import { joinAgent, joinPool } from "../bench-agent.ts";
import { BenchPlane } from "../bench-plane.ts";
import { createRuns } from "../create-runs.ts";
import { rateFigure, type Figure } from "../figure.ts";
import { rawSqlRate } from "../raw-sql-rate.ts";

const RUNS = 10_000;
const REPETITIONS = 5;
const BATCH = 500;
const AGENTS = 2;
/** Batches that an agent has under way. */
const REPORTERS = 2;

/** create → claim → report over HTTP, with every rule, fence and step of the history, without running anything. */
export async function protocolThroughput(database: BenchDatabase): Promise<Figure> {
  const plane = await BenchPlane.start(await database.fresh());
  try {
    const client = plane.client();
    const capacity = BATCH * REPORTERS * 2;
    const agents = [await joinPool(plane, client, capacity)];
    while (agents.length < AGENTS) agents.push(await joinAgent(plane, client, capacity));
    await cycle(client, agents, RUNS); // warm-up
    const rates: number[] = [];
    for (let i = 0; i < REPETITIONS; i++) rates.push(await cycle(client, agents, RUNS));
    const limit = await rawSqlRate(database);
    await Promise.all(agents.map((agent) => agent.client.close()));
    const n = RUNS * REPETITIONS;
    return rateFigure("protocol_throughput", { unit: "runs/s", n, rates }, limit);
  } finally {
    await plane.stop();
  }
}

type BenchAgent = Awaited<ReturnType<typeof joinPool>>;
type Fence = Pick<Lease, "runId" | "epoch" | "leaseToken">;

/** Makes so many runs and has the agents take them to their end, equally many each; returns how many a second. */
export async function cycle(
  client: Client,
  agents: readonly BenchAgent[],
  count: number,
): Promise<number> {
  const startedAt = performance.now();
  const share = count / agents.length;
  await Promise.all([
    createRuns(client, { count, batch: BATCH, lanes: 2 }),
    ...agents.map((agent) => work(agent, share)),
  ]);
  return count / ((performance.now() - startedAt) / 1000);
}

async function work({ client, sessionId }: BenchAgent, count: number): Promise<void> {
  const reports = new Set<Promise<void>>();
  for (let taken = 0; taken < count;) {
    const max = Math.min(BATCH, count - taken);
    const body = { sessionId, claimRequestId: randomUUID(), max, waitSeconds: 5 };
    const { leases } = await client.call("claim", { body });
    taken += leases.length;
    if (leases.length === 0) continue;
    const report = finish(client, leases).finally(() => reports.delete(report));
    reports.add(report);
    if (reports.size >= REPORTERS) await Promise.race(reports);
  }
  await Promise.all(reports);
}

// As an agent does it: the start must be accepted before user code runs, so the two reports cannot be one.
export async function finish(client: Client, leases: readonly Fence[]): Promise<void> {
  await report(client, leases, { type: "RUNNING", name: "Running", reason: "started" });
  await report(client, leases, { type: "COMPLETED", name: "Completed", reason: "completed" });
}

type Step =
  | { type: "RUNNING"; name: "Running"; reason: "started" }
  | { type: "COMPLETED"; name: "Completed"; reason: "completed" };

async function report(client: Client, leases: readonly Fence[], step: Step): Promise<void> {
  const items = leases.map(({ runId, epoch, leaseToken }) => ({
    kind: "transition" as const,
    runId,
    epoch,
    leaseToken,
    transitionId: randomUUID(),
    ...step,
  }));
  const { outcomes } = await client.call("report", { body: { items } });
  const refused = outcomes.find(({ status }) => status !== "accepted");
  if (refused !== undefined) throw new Error(`A report was refused: ${JSON.stringify(refused)}`);
}
