import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Client } from "@downbeat/client";
import { waitFor } from "@downbeat/testkit/wait-for";
import type { BenchDatabase } from "../bench-database.ts";
import { BenchPlane } from "../bench-plane.ts";
import { latencyFigure, quantile, type Figure } from "../figure.ts";

const SAMPLES = 200;
const WARM_UP = 20;
// For whatever a run leaves to do once it has ended: the agent asks for work again, and its claim is held.
const SETTLING_MS = 50;

/** On an idle plane: from the trigger call to the first line of user code, in a warm worker. */
export async function dispatchLatency(database: BenchDatabase): Promise<Figure[]> {
  const plane = await BenchPlane.start(await database.fresh());
  try {
    await plane.startAgent(4);
    const client = plane.client();
    const calledAt: bigint[] = [];
    const roundTripsMs: number[] = [];
    for (let i = 0; i < SAMPLES + WARM_UP; i++) {
      await pause(SETTLING_MS);
      roundTripsMs.push(await bareRoundTripMs(plane.apiUrl));
      await pause(SETTLING_MS);
      calledAt.push(process.hrtime.bigint());
      const { id } = await client.call("createRun", { body: { flowName: "stamp" } });
      await ended(client, id);
    }
    const ranAt = stampsIn(plane.folder, calledAt.length);
    const samplesMs = ranAt.map((at, i) => Number(at - (calledAt[i] ?? at)) / 1e6).slice(WARM_UP);
    const sortedTrips = roundTripsMs.slice(WARM_UP).toSorted((a, b) => a - b);
    return [
      latencyFigure("dispatch_p50", 0.5, samplesMs, quantile(sortedTrips, 0.5)),
      latencyFigure("dispatch_p99", 0.99, samplesMs, quantile(sortedTrips, 0.99)),
    ];
  } finally {
    await plane.stop();
  }
}

// Asked for only after the run has probably ended, or asking would take part in what is measured.
async function ended(client: Client, runId: string): Promise<void> {
  await pause(SETTLING_MS);
  await waitFor(
    async () => (await client.call("readRun", { params: { runId } })).state.type === "COMPLETED",
    { describe: "the run's end" },
  );
}

// The limit: one bare HTTP exchange with the same server. A dispatch needs two at least (trigger, start report).
async function bareRoundTripMs(apiUrl: string): Promise<number> {
  const startedAt = performance.now();
  await (await fetch(`${apiUrl}/health`)).arrayBuffer();
  return performance.now() - startedAt;
}

// In the order of the triggers: a run begins only after the one before it has ended.
function stampsIn(folder: string, count: number): bigint[] {
  const stamps = readFileSync(join(folder, "stamps"), "utf8").trim().split("\n").map(BigInt);
  if (stamps.length !== count) throw new Error(`${count} runs left ${stamps.length} stamps.`);
  return stamps;
}
