import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { flow, log, task } from "@downbeat/sdk";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

const step = task({ name: "step" }, async (n: number) => n);

/** What `calls` task calls after one another cost, each; and what the loop has left in memory when it ends. */
async function measure(calls: number, warmUpCalls: number) {
  for (let n = 0; n < warmUpCalls; n++) await step(n);
  collectGarbage();
  const heapBefore = process.memoryUsage().heapUsed;
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  for (let n = 0; n < calls; n++) await step(n);
  const wallMs = performance.now() - startedAt;
  const { user, system } = process.cpuUsage(cpuBefore);
  collectGarbage();
  const grownMb = (process.memoryUsage().heapUsed - heapBefore) / 2 ** 20;
  return { wallUs: (wallMs * 1_000) / calls, cpuUs: (user + system) / calls, grownMb };
}

export const taskCost = flow({ name: "task-cost" }, (calls: number) => measure(calls, 5_000));

/** The same where only its log can be seen. */
export const loggedTaskCost = flow({ name: "logged-task-cost" }, async () => {
  log.info("cost", await measure(20_000, 2_000));
});

/** Ten thousand task runs, fifty at a time. */
export const manyTasks = flow({ name: "many-tasks" }, async () => {
  await step.map(
    Array.from({ length: 10_000 }, (_, n) => n),
    { concurrency: 50 },
  );
});

export const oneTask = flow({ name: "one-task" }, async () => {
  await step(0);
});
