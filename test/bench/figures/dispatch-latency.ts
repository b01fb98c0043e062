import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Client } from "@downbeat/client";
import { waitFor } from "@downbeat/testkit/wait-for";
import { startBareDispatch, type BareDispatch } from "../bare-dispatch/start.ts";
import type { BenchDatabase } from "../bench-database.ts";
import { BenchPlane } from "../bench-plane.ts";
import { latencyFigure, quantile, type Figure } from "../figure.ts";

const SAMPLES = 200;
// One after the other, so that they go the way that is measured: its code runs as it does in a server that has been up for a while.
const WARM_UP = 1000;
// For whatever a run leaves to do once it has ended: the agent asks for work again, and its claim is held.
const SETTLING_MS = 50;

/** On an idle plane: from the trigger call to the first line of user code, in a warm worker. */
export async function dispatchLatency(database: BenchDatabase): Promise<Figure[]> {
  const plane = await BenchPlane.start(await database.fresh());
  const bare = await startBareDispatch((await database.fresh()) ?? "", plane.folder);
  try {
    await plane.startAgent(4);
    const client = plane.client();
    await warmUp(client, bare);
    const [calledAt, bareCalledAt]: [bigint[], bigint[]] = [[], []];
    for (let i = 0; i < SAMPLES; i++) {
      await pause(SETTLING_MS);
      bareCalledAt.push(process.hrtime.bigint());
      await bare.trigger();
      await pause(2 * SETTLING_MS);
      calledAt.push(process.hrtime.bigint());
      await ended(client, (await client.call("createRun", { body: { flowName: "stamp" } })).id);
    }
    const samplesMs = between(calledAt, stampsIn(plane.folder, "stamps"));
    const limitsMs = between(bareCalledAt, stampsIn(plane.folder, "bare-stamps"));
    const sortedLimits = limitsMs.toSorted((a, b) => a - b);
    return [
      latencyFigure("dispatch_p50", 0.5, samplesMs, quantile(sortedLimits, 0.5)),
      latencyFigure("dispatch_p99", 0.99, samplesMs, quantile(sortedLimits, 0.99)),
    ];
  } finally {
    bare.stop();
    await plane.stop();
  }
}

async function warmUp(client: Client, bare: BareDispatch): Promise<void> {
  let runId = "";
  for (let i = 0; i < WARM_UP; i++) {
    await bare.trigger();
    runId = (await client.call("createRun", { body: { flowName: "stamp" } })).id;
  }
  await ended(client, runId);
}

// Asked for only after the run has probably ended, or asking would take part in what is measured.
async function ended(client: Client, runId: string): Promise<void> {
  await pause(SETTLING_MS);
  await waitFor(
    async () => (await client.call("readRun", { params: { runId } })).state.type === "COMPLETED",
    { describe: "the run's end" },
  );
}

function between(calledAt: readonly bigint[], ranAt: readonly bigint[]): number[] {
  return ranAt.map((at, i) => Number(at - (calledAt[i] ?? at)) / 1e6);
}

// In the order of the triggers: a run begins only after the one before it has ended.
function stampsIn(folder: string, file: string): bigint[] {
  const stamps = readFileSync(join(folder, file), "utf8").trim().split("\n").map(BigInt);
  const count = WARM_UP + SAMPLES;
  if (stamps.length !== count) throw new Error(`${count} runs left ${stamps.length} stamps.`);
  return stamps.slice(WARM_UP);
}
