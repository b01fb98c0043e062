import { readdir, readFile } from "node:fs/promises";
import { withClient } from "@downbeat/testkit/with-client";
import type { Sample } from "./judge.ts";

export type Watched = {
  readonly databaseUrl: string;
  /** By name. What they started is watched with them, as one. */
  readonly pids: Readonly<Record<string, number>>;
};

const KB_PER_MB = 1024;

// Of the runs made in the last so many seconds that have started.
const LATENESS = `
  select percentile_cont(0.95) within group (order by extract(epoch from e.started_at - r.created_at) * 1000) as ms
  from flow_run r join ended_run e on e.run_id = r.id
  where r.id >= run_id_at(now() - interval '20 seconds') and e.run_id >= run_id_at(now() - interval '20 seconds')`;

/** Looks at the memory of processes and the lateness of runs. Reads /proc, so it runs on Linux only. */
export async function look({ databaseUrl, pids }: Watched): Promise<Sample> {
  const atMs = performance.now();
  const values: Record<string, number> = {};
  const parents = await readParents();
  for (const [name, pid] of Object.entries(pids)) {
    values[`${name} MB`] = await residentMb(pid);
    const below = descendantsOf(pid, parents);
    if (below.length > 0) values[`${name}'s processes MB`] = await sum(below.map(residentMb));
  }
  const latenessMs = await readLateness(databaseUrl);
  if (latenessMs !== null) values["lateness p95 ms"] = latenessMs;
  return { atMs, values };
}

async function readLateness(databaseUrl: string): Promise<number | null> {
  const { rows } = await withClient(databaseUrl, (client) =>
    client.query<{ ms: number | null }>(LATENESS),
  );
  return rows[0]?.ms ?? null;
}

async function readParents(): Promise<ReadonlyMap<number, number>> {
  const pids = (await readdir("/proc")).map(Number).filter(Number.isInteger);
  const entries = await Promise.all(
    pids.map(async (pid) => [pid, await statusOf(pid, "PPid")] as const),
  );
  return new Map(entries);
}

function descendantsOf(pid: number, parents: ReadonlyMap<number, number>): number[] {
  const children = [...parents].filter(([, parent]) => parent === pid).map(([child]) => child);
  return children.flatMap((child) => [child, ...descendantsOf(child, parents)]);
}

async function residentMb(pid: number): Promise<number> {
  return (await statusOf(pid, "VmRSS")) / KB_PER_MB;
}

/** 0 for a process that has ended meanwhile. */
async function statusOf(pid: number, field: "PPid" | "VmRSS"): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return Number(new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? 0);
}

async function sum(values: readonly Promise<number>[]): Promise<number> {
  return (await Promise.all(values)).reduce((total, value) => total + value, 0);
}
