import { randomUUID } from "node:crypto";
import type { Client } from "@downbeat/client";
import type { LeasedRun, RunFilter } from "@downbeat/contract";
import { joinPool } from "../bench-agent.ts";
import type { BenchDatabase } from "../bench-database.ts";
import { BenchPlane } from "../bench-plane.ts";
import { createRuns } from "../create-runs.ts";
import { latencyFigure, quantile, type Figure } from "../figure.ts";
import { FILLED_DAYS, fillRuns } from "../fill-runs.ts";
import { finish } from "./protocol-throughput.ts";

const SIZES = [10_000, 100_000, 1_000_000, 10_000_000];
const ROUNDS = 100;
const CLAIMS_A_ROUND = 20;
const CAPACITY = 10;
/** Beside what has finished, so many runs wait for tomorrow: 100,000 of 10 million. */
const WAITING_SHARE = 0.01;
const DAY_MS = 86_400_000;
const [COMMON, RARE] = ["bench", "rare"];

type Stage = {
  readonly runs: number;
  readonly plane: BenchPlane;
  readonly client: Client;
  readonly agent: Awaited<ReturnType<typeof joinPool>>;
  readonly claimsMs: number[];
  /** By name of the page. */
  readonly listsMs: Map<string, number[]>;
};

/** Pages of runs that people ask for, each with what makes it hard. */
const PAGES: Readonly<Record<string, Partial<RunFilter>>> = {
  first: {},
  failed: { stateType: ["FAILED"] },
  running: { stateType: ["RUNNING"] },
  of_common_deployment: { flowName: COMMON, deploymentName: "default" },
  of_deployment: { flowName: RARE, deploymentName: "default" },
  failed_of_deployment: { flowName: RARE, deploymentName: "default", stateType: ["FAILED"] },
  completed_of_flow: { flowName: RARE, stateType: ["COMPLETED"] },
  of_pool: { poolName: RARE },
  late: { cursor: idBefore((FILLED_DAYS * 8) / 10) },
};

/**
 * How claims and pages of runs slow down as finished runs pile up: a plane on a database of each size up to the asked
 * one, measured by turns. The limit of each figure is the same with 10,000 runs.
 */
export async function growth(database: BenchDatabase, mostRuns: number): Promise<Figure[]> {
  const stages: Stage[] = [];
  try {
    for (const runs of SIZES) if (runs <= mostRuns) stages.push(await prepare(database, runs));
    for (let round = 0; round <= ROUNDS; round += 1) {
      for (const stage of stages) {
        await measure(stage);
        if (round === 0) forget(stage); // warm-up
      }
    }
    const [smallest] = stages;
    if (smallest === undefined) throw new Error(`The smallest size is ${SIZES[0]} runs.`);
    return stages.slice(1).flatMap((stage) => figuresOf(stage, smallest));
  } finally {
    for (const { plane, agent } of stages) {
      await agent.client.close();
      await plane.stop();
    }
  }
}

async function prepare(database: BenchDatabase, runs: number): Promise<Stage> {
  const url = await database.fresh();
  if (url === undefined) throw new Error("Growth is measured on PostgreSQL.");
  const plane = await BenchPlane.start(url);
  const client = plane.client();
  await client.call("createPool", { body: { name: RARE } });
  const flows = [{ flowName: COMMON }, { flowName: RARE, poolName: RARE }];
  const agent = await joinPool(plane, client, CAPACITY, flows);
  await fillRuns(url, { runs, common: COMMON, rare: RARE });
  const scheduledFor = new Date(Date.now() + DAY_MS).toISOString();
  const waiting = { count: runs * WAITING_SHARE, batch: 500, lanes: 2, scheduledFor };
  await createRuns(client, waiting);
  return { runs, plane, client, agent, claimsMs: [], listsMs: new Map() };
}

async function measure({ client, agent, claimsMs, listsMs }: Stage): Promise<void> {
  // A session of each turn's own: nobody sends heartbeats meanwhile.
  const open = { capacity: CAPACITY, version: "bench" };
  const { sessionId } = await agent.client.call("openSession", { body: open });
  for (let claim = 0; claim < CLAIMS_A_ROUND; claim += 1) {
    await client.call("createRun", { body: { flowName: COMMON } });
    const startedAt = performance.now();
    const lease = await claimOne(agent.client, sessionId);
    claimsMs.push(performance.now() - startedAt);
    await finish(agent.client, [lease]);
  }
  for (const [name, filter] of Object.entries(PAGES)) {
    const query = { limit: 50, ...filter } as RunFilter;
    const startedAt = performance.now();
    await client.call("listRuns", { query });
    listsMs.set(name, [...(listsMs.get(name) ?? []), performance.now() - startedAt]);
  }
}

async function claimOne(client: Client, sessionId: string): Promise<LeasedRun> {
  const body = { sessionId, claimRequestId: randomUUID(), max: 1, waitSeconds: 5 };
  const { leases } = await client.call("claim", { body });
  const [lease] = leases;
  if (lease === undefined) throw new Error("A run was there and was not claimed.");
  return lease;
}

function forget({ claimsMs, listsMs }: Stage): void {
  claimsMs.length = 0;
  listsMs.clear();
}

function figuresOf(stage: Stage, smallest: Stage): Figure[] {
  const all = ({ listsMs }: Stage): number[] => [...listsMs.values()].flat();
  return [
    latencyFigure(`claim_growth_${stage.runs}`, 0.99, stage.claimsMs, at(0.99, smallest.claimsMs)),
    latencyFigure(`list_growth_${stage.runs}`, 0.95, all(stage), at(0.95, all(smallest))),
    ...[...stage.listsMs].map(([name, listsMs]) =>
      latencyFigure(
        `list_growth_${stage.runs} ${name}`,
        0.95,
        listsMs,
        at(0.95, smallest.listsMs.get(name) ?? []),
      ),
    ),
  ];
}

function at(q: number, samplesMs: readonly number[]): number {
  return quantile(
    samplesMs.toSorted((a, b) => a - b),
    q,
  );
}

/** The cursor of a page that begins so many days ago. */
function idBefore(days: number): string {
  const hex = (Date.now() - days * 86_400_000).toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`;
}
