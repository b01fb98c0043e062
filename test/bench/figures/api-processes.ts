import { randomUUID } from "node:crypto";
import { setMaxListeners } from "node:events";
import type { Client } from "@downbeat/client";
import { leasesOf } from "@downbeat/contract";
import { joinAgent, joinPool } from "../bench-agent.ts";
import type { BenchDatabase } from "../bench-database.ts";
import { BenchPlane } from "../bench-plane.ts";
import { createRuns } from "../create-runs.ts";
import { rateFigure, type Figure } from "../figure.ts";
import { finish } from "./protocol-throughput.ts";

const PROCESSES = [1, 2, 4];
const RUNS = 8_000;
const REPETITIONS = 3;
const BATCH = 250;
const CAPACITY = 2_000;

type Place = { readonly client: Client; readonly agent: Awaited<ReturnType<typeof joinAgent>> };

/**
 * The protocol with one, two and four API processes on one database, each with a caller and an agent of its own that take
 * any run of the pool. The limit is the rate of one process.
 */
export async function apiProcesses(database: BenchDatabase): Promise<Figure[]> {
  const plane = await BenchPlane.start(await database.fresh());
  try {
    const places: Place[] = [await firstPlace(plane)];
    const figures: Figure[] = [];
    for (const count of PROCESSES) {
      while (places.length < count) places.push(await anotherPlace(plane));
      await cycle(places, BATCH * count); // warm-up
      const rates: number[] = [];
      while (rates.length < REPETITIONS) rates.push(await cycle(places, RUNS));
      const taken = { unit: "runs/s", n: RUNS * REPETITIONS, rates };
      const alone = figures[0]?.value ?? rateFigure("", taken, 1).value;
      figures.push(rateFigure(`api_processes_${count}`, taken, alone));
    }
    await Promise.all(places.map(({ agent }) => agent.client.close()));
    return figures;
  } finally {
    await plane.stop();
  }
}

async function firstPlace(plane: BenchPlane): Promise<Place> {
  const client = plane.client();
  return { client, agent: await joinPool(plane, client, CAPACITY) };
}

async function anotherPlace(plane: BenchPlane): Promise<Place> {
  const apiUrl = await plane.startAnotherApi();
  const client = plane.client(apiUrl);
  return { client, agent: await joinAgent({ apiUrl }, client, CAPACITY) };
}

async function cycle(places: readonly Place[], count: number): Promise<number> {
  const over = new AbortController();
  setMaxListeners(0, over.signal);
  const startedAt = performance.now();
  let left = count;
  const ended = (runs: number): void => {
    left -= runs;
    if (left === 0) over.abort();
  };
  await Promise.all(
    places.map((place) =>
      Promise.all([
        createRuns(place.client, { count: count / places.length, batch: BATCH, lanes: 1 }),
        work(place, over.signal, ended),
      ]),
    ),
  );
  return count / ((performance.now() - startedAt) / 1000);
}

async function work(
  { agent: { client, sessionId } }: Place,
  signal: AbortSignal,
  ended: (runs: number) => void,
): Promise<void> {
  const reports = new Set<Promise<void>>();
  while (!signal.aborted) {
    const body = { sessionId, claimRequestId: randomUUID(), max: BATCH, waitSeconds: 5 };
    const leases = await client
      .call("claim", { body }, { signal })
      .then(leasesOf, (error: unknown) => {
        if (signal.aborted) return [];
        throw error;
      });
    if (leases.length === 0) continue;
    const report = finish(client, leases).then(() => {
      reports.delete(report);
      ended(leases.length);
    });
    reports.add(report);
  }
  await Promise.all(reports);
}
