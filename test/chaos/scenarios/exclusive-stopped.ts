import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { waitFor } from "@downbeat/testkit/wait-for";
import { AGENT_READY, type ChaosPlane } from "../chaos-plane.ts";
import type { Execution } from "../executions.ts";
import { Ledger } from "../ledger.ts";
import { triggerRuns } from "../load.ts";
import { findingsOf, verdictOf, type Scenario } from "../scenario.ts";

const INTERVALS = {
  leaseSeconds: 4,
  heartbeatSeconds: 1,
  // Exclusive flows have none: were it kept, nobody would take the runs over in time.
  reconnectWindowSeconds: 600,
  sweepSeconds: 1,
};
const POLICY = ["--exclusive", "--retries-on-crash", "3", "--retry-delay", "0s"];

export const exclusiveStopped: Scenario = {
  name: "exclusive-stopped",
  about: "an agent that runs exclusive flows is stopped with SIGSTOP; another takes them over",
  run: async ({ isQuick, freshDatabase, afterwards, planeOn }) => {
    const runs = isQuick ? 2 : 8;
    const plane = await planeOn(await freshDatabase(), INTERVALS);
    const { url } = await plane.startApi();
    await plane.setUp(url, POLICY);
    const ledger = new Ledger(plane.databaseUrl);
    const first = plane.startAgent({ name: "stopped", apiUrl: url, concurrency: runs });
    await first.waitForOutput(AGENT_READY, 60_000);
    const { acknowledged } = await triggerRuns({
      clients: [plane.client(url)],
      flowName: "exclusive",
      runs,
    });
    await untilExecuted(plane, runs);
    const second = plane.startAgent({ name: "successor", apiUrl: url, concurrency: runs });
    await second.waitForOutput(AGENT_READY, 60_000);

    first.child.kill("SIGSTOP");
    afterwards(async () => void first.child.kill("SIGCONT"));
    await waitFor(async () => newestOf(await plane.executions()).size === runs, {
      deadlineMs: 120_000,
      describe: `${runs} runs to be executed a second time`,
    });
    first.child.kill("SIGCONT");
    await plane.open("late");
    await ledger.untilDrained(120_000);

    const overlaps = overlapping(await plane.executions(), await signsOfLife(plane.folder));
    const findings = await findingsOf(plane, acknowledged);
    const counts = { overlapping: overlaps.length, "taken over": runs };
    return verdictOf(runs, findings, { counts, violations: overlaps });
  },
};

function untilExecuted(plane: ChaosPlane, runs: number): Promise<unknown> {
  return waitFor(async () => (await plane.executions()).length >= runs, {
    deadlineMs: 120_000,
    describe: `${runs} flows to run`,
  });
}

/** Runs that were executed in more than one epoch. */
function newestOf(executions: readonly Execution[]): Set<string> {
  const again = executions.filter(({ runId, epoch }) =>
    executions.some((other) => other.runId === runId && other.epoch < epoch),
  );
  return new Set(again.map(({ runId }) => runId));
}

type Sign = { readonly runId: string; readonly epoch: number; readonly atMs: number };

async function signsOfLife(folder: string): Promise<Sign[]> {
  const text = await readFile(join(folder, "alive.jsonl"), "utf8");
  const lines = text.split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line) as Sign);
}

/** Each time that an attempt still lived when a later one of its run had begun. */
function overlapping(executions: readonly Execution[], signs: readonly Sign[]): string[] {
  return executions.flatMap(({ runId, epoch, startedAtMs }) => {
    const late = signs.find(
      (sign) => sign.runId === runId && sign.epoch < epoch && sign.atMs >= startedAtMs,
    );
    if (late === undefined) return [];
    const afterMs = late.atMs - startedAtMs;
    return [`${runId}: epoch ${late.epoch} lived ${afterMs} ms after epoch ${epoch} had begun`];
  });
}
