import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Client } from "@downbeat/client";
import { isTerminal } from "@downbeat/contract";
import { waitFor } from "@downbeat/testkit/wait-for";
import type { RunningProcess } from "../../e2e/process.ts";
import { AGENT_READY, untilGone, type ChaosPlane } from "../chaos-plane.ts";
import { keyOf, readKept, readSteps, type Step } from "../kept-steps.ts";
import { triggerRuns } from "../load.ts";
import type { Random } from "../random.ts";
import type { Scenario } from "../scenario.ts";

const INTERVALS = {
  leaseSeconds: 6,
  heartbeatSeconds: 1,
  reconnectWindowSeconds: 8,
  sweepSeconds: 1,
};
const RUNS_AT_ONCE = 5;
/** Every so many rounds the agent itself is killed, and its runs with it. */
const AGENT_EVERY = 4;
const LONGEST_LIFE_MS = 500;
const DEADLINE_MS = 120_000;

type Tally = { kills: number; agentKills: number; kept: number; repeated: number };

export const fromFailed: Scenario = {
  name: "from-failed",
  about:
    "processes of a flow are killed at random tasks; retried from failed, no kept task is repeated",
  run: async ({ isQuick, random, freshDatabase, planeOn }) => {
    const wanted = isQuick ? 10 : 200;
    const plane = await planeOn(await freshDatabase(), INTERVALS);
    const { url } = await plane.startApi();
    await plane.setUp(url);
    const stage = new Stage(plane, url, random);
    await stage.start();
    const tally: Tally = { kills: 0, agentKills: 0, kept: 0, repeated: 0 };
    const violations: string[] = [];
    for (let round = 1; tally.kills < wanted; round += 1)
      violations.push(...(await playRound(stage, round, tally)));
    if (tally.kept === 0) violations.push("nothing had been kept, so nothing was tested");
    return { n: tally.kills, counts: tally, violations };
  },
};

/** Starts some runs, kills their processes, retries them from failed, and looks what was called again. */
async function playRound(stage: Stage, round: number, tally: Tally): Promise<string[]> {
  const { acknowledged: runIds } = await triggerRuns({
    clients: [stage.client],
    flowName: "chain",
    runs: RUNS_AT_ONCE,
  });
  const hitsAgent = round % AGENT_EVERY === 0;
  const pids = await stage.kill(runIds, hitsAgent);
  const ends = await stage.untilEnded(runIds);
  await stage.untilDead(pids);
  const crashed = runIds.filter((runId) => ends.get(runId) === "CRASHED");
  tally.kills += crashed.length;
  tally.agentKills += hitsAgent ? 1 : 0;

  const before = await stage.steps();
  const kept = await readKept(stage.resultsDirectory);
  for (const runId of crashed) {
    const body = { mode: "from_failed" } as const;
    await stage.client.call("retryRun", { params: { runId }, body });
  }
  const again = await stage.untilEnded(crashed);
  const after = (await stage.steps()).slice(before.length);
  const called = new Set(before.map(keyOf));
  const mine = new Set(crashed);
  tally.kept += before.filter((step) => mine.has(step.runId) && kept.has(keyOf(step))).length;
  tally.repeated += after.filter((step) => called.has(keyOf(step))).length;
  return [
    ...after
      .filter((step) => kept.has(keyOf(step)))
      .map(({ runId, step }) => `${runId} repeated ${step}, whose result was kept`),
    ...crashed.flatMap((runId) =>
      again.get(runId) === "COMPLETED" ? [] : [`${runId} is ${again.get(runId)} after its retry`],
    ),
  ];
}

/** The plane, one agent on it, and what the flow writes down. */
class Stage {
  readonly client: Client;
  readonly resultsDirectory: string;
  readonly #plane: ChaosPlane;
  readonly #apiUrl: string;
  readonly #random: Random;
  #agent: RunningProcess | undefined;

  constructor(plane: ChaosPlane, apiUrl: string, random: Random) {
    this.#plane = plane;
    this.#apiUrl = apiUrl;
    this.#random = random;
    this.client = plane.client(apiUrl);
    this.resultsDirectory = join(plane.folder, "results");
  }

  async start(): Promise<void> {
    const options = { name: "chain", apiUrl: this.#apiUrl, concurrency: RUNS_AT_ONCE };
    this.#agent = this.#plane.startAgent(options);
    await this.#agent.waitForOutput(AGENT_READY, DEADLINE_MS);
  }

  steps(): Promise<Step[]> {
    return readSteps(join(this.#plane.folder, "steps.jsonl"));
  }

  /** Kills each run's process, or the agent, some time after the run began; says which processes ran them. */
  async kill(runIds: readonly string[], hitsAgent: boolean): Promise<number[]> {
    const killed = hitsAgent
      ? await this.#killAgent(runIds)
      : await Promise.all(runIds.map((runId) => this.#killRun(runId)));
    return killed.filter((pid) => pid !== undefined);
  }

  async #killAgent(runIds: readonly string[]): Promise<Array<number | undefined>> {
    const pids = await Promise.all(runIds.map((runId) => this.#pidOf(runId)));
    await this.#someTime();
    this.#agent?.child.kill("SIGKILL");
    if (this.#agent !== undefined) await untilGone(this.#agent);
    await this.start();
    return pids;
  }

  async #killRun(runId: string): Promise<number | undefined> {
    const pid = await this.#pidOf(runId);
    await this.#someTime();
    if (pid !== undefined) signal(pid, "SIGKILL");
    return pid;
  }

  #someTime(): Promise<void> {
    return pause(this.#random.between(0, LONGEST_LIFE_MS));
  }

  /** Undefined when the run ended without a call: it began in the warm process of a sibling, which was killed then. */
  #pidOf(runId: string): Promise<number | undefined> {
    const options = { deadlineMs: DEADLINE_MS, describe: `${runId} to call a task or to end` };
    return waitFor(async () => {
      const pid = (await this.steps()).find((step) => step.runId === runId)?.pid;
      return (pid !== undefined || (await this.#endOf(runId)) !== undefined) && { pid };
    }, options).then(({ pid }) => pid);
  }

  /** The state in which a run ended; undefined when it has not. */
  async #endOf(runId: string): Promise<string | undefined> {
    const run = await this.client.call("readRun", { params: { runId } });
    return isTerminal(run.state.type) ? run.state.type : undefined;
  }

  /** The state in which each run ended. */
  async untilEnded(runIds: readonly string[]): Promise<Map<string, string>> {
    const ends = new Map<string, string>();
    for (const runId of runIds) {
      const options = { deadlineMs: DEADLINE_MS, intervalMs: 100, describe: `${runId} to end` };
      const state = await waitFor(() => this.#endOf(runId), options);
      ends.set(runId, state);
    }
    return ends;
  }

  /** A process that outlived its agent may still write; a worker that is waiting for its next run may not. */
  async untilDead(pids: readonly number[]): Promise<void> {
    const options = { deadlineMs: DEADLINE_MS, describe: "killed processes to be gone" };
    await waitFor(() => pids.every((pid) => !signal(pid, 0)), options);
  }
}

/** False when there is no such process. */
function signal(pid: number, what: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, what);
  } catch {
    return false;
  }
}
