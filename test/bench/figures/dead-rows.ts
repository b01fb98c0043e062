import { setTimeout as pause } from "node:timers/promises";
import type { Client } from "@downbeat/client";
import pg from "pg";
import { joinPool } from "../bench-agent.ts";
import type { BenchDatabase } from "../bench-database.ts";
import { BenchPlane } from "../bench-plane.ts";
import { quantile, round, type Figure } from "../figure.ts";
import { cycle } from "./protocol-throughput.ts";

const RUNS = 1000;
/** Runs of tomorrow: the live rows that stay. */
const WAITING = 1000;
const CAPACITY = 4000;
const SAMPLE_MS = 1000;
/** A few looks of the engine at the table, after the last run. */
const SETTLING_MS = 20_000;
const DAY_MS = 86_400_000;

type BenchAgent = Awaited<ReturnType<typeof joinPool>>;
type Sample = { readonly live: number; readonly dead: number; readonly megabytes: number };

/**
 * Dead rows of live_run, in percent of all its rows, once the load is over that a plane had for so long, while one transaction was
 * open from before it until after. The limit is what they would be had none been cleared away, and the spread the
 * least and most of the samples of each second. With them, how large the table was at most (the limit: at first), and how fast runs
 * went in the end (the limit: at first, without that transaction).
 */
export async function deadRows(database: BenchDatabase, minutes: number): Promise<Figure[]> {
  const url = await database.fresh();
  if (url === undefined) throw new Error("Dead rows are measured on PostgreSQL.");
  const plane = await BenchPlane.start(url);
  const watcher = await connected(url);
  const leftOpen = await connected(url);
  try {
    const client = plane.client();
    const agent = await joinPool(plane, client, CAPACITY);
    await load(client, agent, 3); // warm-up
    await wait(client);
    const before = await load(client, agent, 5);
    const first = await sample(watcher);
    await leftOpen.query("begin isolation level repeatable read; select txid_current()");
    const samples: Sample[] = [];
    const loading = new AbortController();
    const watching = watch(watcher, samples, loading.signal);
    const rates = await loadFor(client, agent, minutes).finally(() => loading.abort());
    await watching;
    await pause(SETTLING_MS);
    samples.push(await sample(watcher));
    const after = await load(client, agent, 5);
    await agent.client.close();
    return figures({ samples, first, runs: rates.length * RUNS, before, after });
  } finally {
    await leftOpen.end();
    await watcher.end();
    await plane.stop();
  }
}

/** Cycles of runs, each with a session of its own, as nobody sends heartbeats. Returns the median of their rates. */
async function load(client: Client, agent: BenchAgent, cycles: number): Promise<number> {
  const rates: number[] = [];
  for (let i = 0; i < cycles; i += 1) rates.push(await oneCycle(client, agent));
  return quantile(
    rates.toSorted((a, b) => a - b),
    0.5,
  );
}

async function loadFor(client: Client, agent: BenchAgent, minutes: number): Promise<number[]> {
  const endsAt = performance.now() + minutes * 60_000;
  const rates: number[] = [];
  while (performance.now() < endsAt) rates.push(await oneCycle(client, agent));
  return rates;
}

async function oneCycle(client: Client, agent: BenchAgent): Promise<number> {
  const body = { capacity: CAPACITY, version: "bench" };
  const { sessionId } = await agent.client.call("openSession", { body });
  return cycle(client, [{ ...agent, sessionId }], RUNS);
}

async function wait(client: Client): Promise<void> {
  const scheduledFor = new Date(Date.now() + DAY_MS).toISOString();
  const runs = Array.from({ length: WAITING / 2 }, () => ({ flowName: "bench", scheduledFor }));
  for (let half = 0; half < 2; half += 1)
    await client.call("createRuns", { body: { runs, returning: "ids" } });
}

async function watch(watcher: pg.Client, samples: Sample[], signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    samples.push(await sample(watcher));
    await pause(SAMPLE_MS);
  }
}

async function sample(watcher: pg.Client): Promise<Sample> {
  const { rows } = await watcher.query<Sample>(`
    select n_live_tup::int as live, n_dead_tup::int as dead, pg_total_relation_size(relid)::float8 / 1e6 as megabytes
    from pg_stat_user_tables where relname = 'live_run'`);
  const [row] = rows;
  if (row === undefined) throw new Error("There are no statistics of live_run.");
  return row;
}

async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, application_name: "bench" });
  await client.connect();
  return client;
}

type Measured = {
  readonly samples: readonly Sample[];
  readonly first: Sample;
  readonly runs: number;
  readonly before: number;
  readonly after: number;
};

function figures({ samples, first, runs, before, after }: Measured): Figure[] {
  const shares = samples.map(share);
  const died = runs * 3; // a run's row is written three times and then deleted, which leaves three dead
  const largest = Math.max(...samples.map(({ megabytes }) => megabytes));
  const figure = (name: string, unit: string, values: readonly number[], limit: number): Figure => {
    const value = round(values.at(-1) ?? 0);
    const spread = [round(Math.min(...values)), round(Math.max(...values))] as const;
    const ratio = round(value / limit);
    return { figure: name, unit, n: runs, value, p50: value, spread, limit: round(limit), ratio };
  };
  return [
    figure("dead_rows", "%", shares, share({ live: WAITING, dead: died })),
    figure("dead_rows_size", "MB", [largest], first.megabytes),
    figure("dead_rows_throughput", "runs/s", [after], before),
  ];
}

function share({ live, dead }: Pick<Sample, "live" | "dead">): number {
  return live + dead === 0 ? 0 : (100 * dead) / (live + dead);
}
