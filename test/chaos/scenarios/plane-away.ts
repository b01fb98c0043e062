import { setTimeout as pause } from "node:timers/promises";
import { waitFor } from "@downbeat/testkit/wait-for";
import { AGENT_READY, untilGone, type ChaosPlane } from "../chaos-plane.ts";
import { Ledger } from "../ledger.ts";
import { triggerRuns } from "../load.ts";
import { findingsOf, verdictOf, type Scenario } from "../scenario.ts";

export const planeAway: Scenario = {
  name: "plane-away",
  about: "the API is killed under running flows and stays away for longer than a lease",
  run: async ({ isQuick, freshDatabase, planeOn }) => {
    const runs = isQuick ? 8 : 200;
    const leaseSeconds = isQuick ? 6 : 15;
    const plane = await planeOn(await freshDatabase(), {
      leaseSeconds,
      heartbeatSeconds: leaseSeconds / 3,
      // So short that the absence outlasts it: only the amnesty after the start saves the runs,
      // as sweeps come sooner than heartbeats.
      reconnectWindowSeconds: 2,
      sweepSeconds: 0.1,
    });
    const api = await plane.startApi();
    await plane.setUp(api.url);
    const agent = plane.startAgent({ name: "patient", apiUrl: api.url, concurrency: runs });
    await agent.waitForOutput(AGENT_READY, 60_000);
    // Half finish while the API is away, half after it is back.
    const halves = await Promise.all(
      ["held-early", "held-late"].map((flowName) =>
        triggerRuns({ clients: [plane.client(api.url)], flowName, runs: runs / 2 }),
      ),
    );
    const executing = async (): Promise<number> => (await plane.executions()).length;
    await waitFor(async () => (await executing()) === runs, {
      deadlineMs: 300_000,
      intervalMs: 250,
      describe: `${runs} flows to run`,
    });

    api.process.child.kill("SIGKILL");
    await untilGone(api.process);
    const awaySinceMs = performance.now();
    await plane.open("early");
    await waitFor(async () => (await finished(plane)) >= runs / 2, {
      deadlineMs: 120_000,
      intervalMs: 250,
      describe: "half of the flows to finish while the API is away",
    });
    await pause(Math.max(0, leaseSeconds * 1500 - (performance.now() - awaySinceMs)));
    const awaySeconds = (performance.now() - awaySinceMs) / 1000;
    await plane.startApi({ port: api.port });
    await plane.open("late");

    const ledger = new Ledger(plane.databaseUrl);
    await ledger.untilDrained(300_000);
    const all = await ledger.runs();
    const ended = (type: string): number => all.filter((run) => run.stateType === type).length;
    const delivered = ended("COMPLETED");
    const findings = await findingsOf(
      plane,
      halves.flatMap(({ acknowledged }) => acknowledged),
    );
    return verdictOf(runs, findings, {
      counts: {
        "away s": awaySeconds.toFixed(0),
        "lease s": leaseSeconds,
        "wrongly crashed": ended("CRASHED"),
        delivered: `${((100 * delivered) / runs).toFixed(0)} %`,
      },
      violations: delivered === runs ? [] : [`${runs - delivered} results did not arrive`],
    });
  },
};

async function finished(plane: ChaosPlane): Promise<number> {
  return (await plane.executions()).filter(({ finishedAtMs }) => finishedAtMs !== null).length;
}
