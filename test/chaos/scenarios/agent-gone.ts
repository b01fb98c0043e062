import { waitFor } from "@downbeat/testkit/wait-for";
import { setTimeout as pause } from "node:timers/promises";
import {
  AGENT_READY,
  DEFAULT_INTERVALS,
  untilGone,
  type ChaosPlane,
  type Intervals,
} from "../chaos-plane.ts";
import { Ledger, type LedgerRun } from "../ledger.ts";
import { triggerRuns } from "../load.ts";
import type { Random } from "../random.ts";
import { findingsOf, verdictOf, type Scenario } from "../scenario.ts";

const QUICK: Intervals = {
  leaseSeconds: 6,
  heartbeatSeconds: 2,
  reconnectWindowSeconds: 6,
  sweepSeconds: 1,
};
/** The promise: 60 s with a lease of 45 s. */
const PROMISED_SHARE = 60 / DEFAULT_INTERVALS.leaseSeconds;
const RUNS_PER_AGENT = 2;

export const agentGone: Scenario = {
  name: "agent-gone",
  about: "agents are killed with SIGKILL and stay away: their runs show Unreachable, then CRASHED",
  run: async ({ isQuick, random, freshDatabase, planeOn }) => {
    const agents = isQuick ? 3 : 20;
    const intervals = isQuick ? QUICK : DEFAULT_INTERVALS;
    const plane = await planeOn(await freshDatabase(), intervals);
    const { url } = await plane.startApi();
    await plane.setUp(url);
    const ledger = new Ledger(plane.databaseUrl);
    const { acknowledged, killedAtMs } = await killAll(plane, url, { agents, random });

    const { leaseSeconds, reconnectWindowSeconds, heartbeatSeconds } = intervals;
    // One lease of amnesty after the start, then the window; the rest is for a busy machine.
    await ledger.untilDrained((3 * leaseSeconds + reconnectWindowSeconds + 60) * 1000);
    const runs = await ledger.runs();
    const delays = runs.map((run) => delayMs(run, killedAtMs)).toSorted((a, b) => a - b);
    const p95Seconds = (delays[Math.ceil(delays.length * 0.95) - 1] ?? Infinity) / 1000;
    const limitSeconds = leaseSeconds * PROMISED_SHARE;
    return verdictOf(runs.length, await findingsOf(plane, acknowledged), {
      counts: {
        agents,
        "lease s": leaseSeconds,
        "beat s": heartbeatSeconds,
        "p95 to Unreachable s": p95Seconds.toFixed(1),
        "limit s": limitSeconds,
        crashed: runs.filter(({ stateType }) => stateType === "CRASHED").length,
      },
      violations: [
        ...(p95Seconds <= limitSeconds ? [] : [`p95 to Unreachable is ${p95Seconds} s`]),
        ...runs.flatMap(({ runId, stateType }) =>
          stateType === "CRASHED" ? [] : [`${runId} is ${stateType}, not CRASHED`],
        ),
      ],
    });
  },
};

async function killAll(
  plane: ChaosPlane,
  apiUrl: string,
  { agents, random }: { agents: number; random: Random },
): Promise<{ acknowledged: readonly string[]; killedAtMs: Map<string, number> }> {
  const killedAtMs = new Map<string, number>();
  const acknowledged: string[] = [];
  const deaths: Promise<void>[] = [];
  // One agent after the other takes its runs, so that it is known whose they are.
  for (let at = 0; at < agents; at += 1) {
    const name = `gone-${at}`;
    const agent = plane.startAgent({ name, apiUrl, concurrency: RUNS_PER_AGENT });
    await agent.waitForOutput(AGENT_READY, 60_000);
    const clients = [plane.client(apiUrl)];
    const mine = await triggerRuns({ clients, flowName: "held-late", runs: RUNS_PER_AGENT });
    acknowledged.push(...mine.acknowledged);
    await untilExecuting(plane, mine.acknowledged);
    // Anywhere between two heartbeats.
    const livesMs = random.between(0, plane.intervals.heartbeatSeconds * 1000);
    deaths.push(
      pause(livesMs).then(async () => {
        for (const runId of mine.acknowledged) killedAtMs.set(runId, Date.now());
        agent.child.kill("SIGKILL");
        await untilGone(agent);
      }),
    );
  }
  await Promise.all(deaths);
  return { acknowledged, killedAtMs };
}

async function untilExecuting(plane: ChaosPlane, runIds: readonly string[]): Promise<void> {
  await waitFor(
    async () => {
      const executing = new Set((await plane.executions()).map(({ runId }) => runId));
      return runIds.every((runId) => executing.has(runId));
    },
    { deadlineMs: 60_000, describe: "the agent's runs to execute" },
  );
}

function delayMs(run: LedgerRun, killedAtMs: ReadonlyMap<string, number>): number {
  const shown = run.states.find(({ name }) => name === "Unreachable");
  const killedAt = killedAtMs.get(run.runId);
  if (shown === undefined || killedAt === undefined) return Number.POSITIVE_INFINITY;
  return shown.at.getTime() - killedAt;
}
