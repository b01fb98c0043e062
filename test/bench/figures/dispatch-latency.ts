import { readFileSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "@downbeat/testkit/wait-for";
import type { BenchDatabase } from "../bench-database.ts";
import { BenchPlane } from "../bench-plane.ts";
import { latencyFigure, quantile, type Figure } from "../figure.ts";

const SAMPLES = 200;
const WARM_UP = 20;

/** On an idle plane: from the trigger call to the first line of user code, in a warm worker. */
export async function dispatchLatency(database: BenchDatabase): Promise<Figure[]> {
  const plane = await BenchPlane.start(await database.fresh());
  try {
    await plane.startAgent(4);
    const client = plane.client();
    const samplesMs: number[] = [];
    const roundTripsMs: number[] = [];
    for (let i = 0; i < SAMPLES + WARM_UP; i++) {
      const calledAt = process.hrtime.bigint();
      await client.call("createRun", { body: { flowName: "stamp" } });
      const stamps = await waitFor(() => stampsIn(plane.folder, i + 1), {
        intervalMs: 2,
        describe: "the flow's first line",
      });
      const ranAt = BigInt(stamps[i] ?? 0);
      roundTripsMs.push(await bareRoundTripMs(plane.apiUrl));
      if (i >= WARM_UP) samplesMs.push(Number(ranAt - calledAt) / 1e6);
    }
    const sortedTrips = roundTripsMs.slice(WARM_UP).toSorted((a, b) => a - b);
    return [
      latencyFigure("dispatch_p50", 0.5, samplesMs, quantile(sortedTrips, 0.5)),
      latencyFigure("dispatch_p99", 0.99, samplesMs, quantile(sortedTrips, 0.99)),
    ];
  } finally {
    await plane.stop();
  }
}

// The limit: one bare HTTP exchange with the same server. A dispatch needs two at least (trigger, start report).
async function bareRoundTripMs(apiUrl: string): Promise<number> {
  const startedAt = performance.now();
  await (await fetch(`${apiUrl}/health`)).arrayBuffer();
  return performance.now() - startedAt;
}

function stampsIn(folder: string, atLeast: number): string[] | undefined {
  try {
    const stamps = readFileSync(join(folder, "stamps"), "utf8").trim().split("\n");
    return stamps.length >= atLeast ? stamps : undefined;
  } catch {
    return undefined; // the first run has not come that far
  }
}
