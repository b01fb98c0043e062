import { randomUUID } from "node:crypto";
import { setMaxListeners } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import type { Client } from "@downbeat/client";
import { joinAgents } from "../bench-agent.ts";
import type { BenchDatabase } from "../bench-database.ts";
import { BenchPlane } from "../bench-plane.ts";
import { latencyFigure, quantile, type Figure } from "../figure.ts";
import { finish } from "./protocol-throughput.ts";

const SIZES = [10, 100, 1000];
const ROUNDS = 20;
const RUNS_A_ROUND = 20;
/** An agent without work polls once in a heartbeat interval. */
const CLAIM_HOLD_SECONDS = 15;
/** Whoever took the run before has polled again. */
const SETTLING_MS = 20;

type Taken = (run: { readonly atMs: number }) => void;
type Fleet = {
  readonly size: number;
  readonly plane: BenchPlane;
  readonly client: Client;
  readonly samplesMs: number[];
  /** Told when an agent has brought its run to an end; `atMs`: when it got it. */
  taken: Taken;
};

/**
 * What more agents cost those that wait for a run: from the trigger to the claim's answer, where so many agents of one pool hold a long
 * poll each, fleets of each size by turns. The limit is the same with ten agents.
 */
export async function agentGrowth(database: BenchDatabase): Promise<Figure[]> {
  const stopping = new AbortController();
  setMaxListeners(0, stopping.signal);
  const fleets: Fleet[] = [];
  const working: Promise<void>[] = [];
  try {
    for (const size of SIZES) {
      const plane = await BenchPlane.start(await database.fresh());
      const client = plane.client();
      const fleet: Fleet = { size, plane, client, samplesMs: [], taken: () => {} };
      fleets.push(fleet);
      const agents = await joinAgents(plane, client, { count: size, capacity: 1 });
      for (const agent of agents) working.push(work(agent, fleet, stopping.signal));
    }
    for (let round = 0; round <= ROUNDS; round += 1) {
      for (const fleet of fleets) await trigger(fleet);
      if (round === 0) for (const fleet of fleets) fleet.samplesMs.length = 0; // warm-up
    }
    return figures(fleets);
  } finally {
    stopping.abort();
    await Promise.allSettled(working);
    for (const { plane } of fleets) await plane.stop();
  }
}

type BenchAgent = Awaited<ReturnType<typeof joinAgents>>[number];

async function work(agent: BenchAgent, fleet: Fleet, signal: AbortSignal): Promise<void> {
  const { client, sessionId } = agent;
  try {
    for (let idleTick = 1; ; idleTick += 1) {
      const waitSeconds = CLAIM_HOLD_SECONDS;
      const body = { sessionId, claimRequestId: randomUUID(), max: 1, waitSeconds, idleTick };
      const { leases } = await client.call("claim", { body }, { signal });
      const atMs = performance.now();
      if (leases.length === 0) continue;
      await finish(client, leases);
      fleet.taken({ atMs });
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    await client.close();
  }
}

async function trigger(fleet: Fleet): Promise<void> {
  for (let run = 0; run < RUNS_A_ROUND; run += 1) {
    await pause(SETTLING_MS);
    const taken = new Promise<Parameters<Taken>[0]>((resolve) => (fleet.taken = resolve));
    const startedAtMs = performance.now();
    await fleet.client.call("createRun", { body: { flowName: "bench" } });
    fleet.samplesMs.push((await taken).atMs - startedAtMs);
  }
}

function figures(fleets: readonly Fleet[]): Figure[] {
  const [smallest, ...larger] = fleets;
  const sorted = smallest?.samplesMs.toSorted((a, b) => a - b) ?? [];
  return larger.flatMap(({ size, samplesMs }) => [
    latencyFigure(`agent_growth_${size}_p50`, 0.5, samplesMs, quantile(sorted, 0.5)),
    latencyFigure(`agent_growth_${size}_p99`, 0.99, samplesMs, quantile(sorted, 0.99)),
  ]);
}
