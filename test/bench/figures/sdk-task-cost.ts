import { fork } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { FromWorker, RunMessage } from "@downbeat/sdk/protocol";
import { rateFigure, type Figure } from "../figure.ts";
import { taskCost } from "../project/flows/task-cost.ts";

const REPETITIONS = 5;
const CALLS = 20_000;
const LONG_LOOP = 100_000;

/** What a task call costs: with nothing configured, and in a worker that tells an agent everything. */
export async function sdkTaskCost(): Promise<Figure[]> {
  process.env["DOWNBEAT_RECORD"] = "off";
  const alone: number[] = [];
  const bare: number[] = [];
  for (let i = 0; i < REPETITIONS; i++) {
    alone.push((await taskCost(CALLS)).wallUs);
    bare.push(await bareCallUs());
  }
  const attached: number[] = [];
  for (let i = 0; i < REPETITIONS; i++) attached.push(await costInWorkerUs());
  const { grownMb } = await taskCost(LONG_LOOP);
  const limit = bare.toSorted((a, b) => a - b)[0] ?? 0;
  const n = CALLS * REPETITIONS;
  return [
    rateFigure("task_call_cost", { unit: "µs", n, rates: alone }, limit),
    rateFigure("task_call_cost_attached", { unit: "µs", n, rates: attached }, limit),
    rateFigure("task_loop_memory", { unit: "MB", n: LONG_LOOP, rates: [grownMb] }, 1),
  ];
}

// The limit: the same loop over the function itself.
async function bareCallUs(): Promise<number> {
  const step = async (n: number) => n;
  const startedAt = performance.now();
  for (let n = 0; n < CALLS; n++) await step(n);
  return ((performance.now() - startedAt) * 1_000) / CALLS;
}

/** CPU time of the user's process, its messages to the agent included; this process is the agent. */
async function costInWorkerUs(): Promise<number> {
  const worker = createRequire(import.meta.url).resolve("@downbeat/sdk/worker");
  const child = fork(worker, { serialization: "advanced" });
  const run: RunMessage = {
    type: "run",
    runId: "0198c0de-0000-7000-8000-000000000001",
    epoch: 1,
    attempt: 1,
    flowName: "logged-task-cost",
    exportName: "loggedTaskCost",
    modulePath: join(import.meta.dirname, "../project/flows/task-cost.js"),
    parameters: {},
  };
  try {
    return await new Promise((resolve, reject) => {
      child.on("message", (message: FromWorker) => {
        if (message.type === "events") {
          const cost = message.events.find((event) => event.kind === "log")?.fields?.["cpuUs"];
          if (typeof cost === "number") resolve(cost);
        } else if (message.type === "finished") {
          reject(new Error(`the run told no cost: ${JSON.stringify(message.outcome)}`));
        }
      });
      child.on("error", reject);
      child.send(run);
    });
  } finally {
    child.kill("SIGKILL");
  }
}
