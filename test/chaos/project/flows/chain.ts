import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { directoryStorage, flow, runContext, task } from "@downbeat/sdk";

const FOLDER = process.env["CHAOS_FOLDER"] ?? ".";
const STEPS = 12;
const SIDE_STEPS = 3;
const LONGEST_STEP_MS = 12;

const persist = { storage: directoryStorage(join(FOLDER, "results")) };

/** Writes down that it was called, by whom; what it returns tells which call was kept. */
const link = task({ name: "link", persist }, async (step: string, before: number) => {
  const { runId = "", epoch } = runContext().run ?? {};
  // At once and by one call: a line is whole or absent, however this process ends.
  appendFileSync(
    join(FOLDER, "steps.jsonl"),
    `${JSON.stringify({ runId, epoch, step, pid: process.pid })}\n`,
  );
  await pause(Math.random() * LONGEST_STEP_MS);
  return { runId, step, sum: before + 1 };
});

/** A chain of tasks that keep their results, some of them several at a time. */
export const chain = flow({ name: "chain" }, async () => {
  let sum = 0;
  for (let step = 0; step < STEPS; step += 1) {
    const made = await link(`step-${step}`, sum);
    const sides = Array.from({ length: SIDE_STEPS }, (_, side) => `step-${step}-${side}`);
    await Promise.all(sides.map((name) => link(name, made.sum)));
    sum = made.sum;
  }
});
