import { appendFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { flow, runContext, task } from "@downbeat/sdk";

const FOLDER = process.env["CHAOS_FOLDER"] ?? ".";
const LONGEST_MS = Number(process.env["CHAOS_LONGEST_MS"] ?? "50");
const GATE_LOOK_MS = 100;
const SIGN_MS = 20;

const step = task({ name: "step" }, async (lengthMs: number) => {
  await pause(lengthMs);
});

/** Short, of a length that differs from run to run. */
export const work = flow({ name: "work" }, async () => {
  record("start");
  await step(lengthOf(runContext().run?.runId ?? ""));
  record("finish");
});

/** Goes on only when the test opens the gate of this name. */
export const heldEarly = flow({ name: "held-early" }, () => hold("early"));
export const heldLate = flow({ name: "held-late" }, () => hold("late"));

/** Deployed as exclusive: shows for how long it lived. */
export const exclusive = flow({ name: "exclusive" }, async () => {
  record("start");
  while (!existsSync(join(FOLDER, "late.open"))) {
    const { runId, epoch } = runContext().run ?? {};
    const line = { runId, epoch, atMs: Date.now() };
    appendFileSync(join(FOLDER, "alive.jsonl"), `${JSON.stringify(line)}\n`);
    await pause(SIGN_MS);
  }
  record("finish");
});

async function hold(gate: string): Promise<void> {
  record("start");
  while (!existsSync(join(FOLDER, `${gate}.open`))) await pause(GATE_LOOK_MS);
  record("finish");
}

// Written at once and by one call, so that a line is whole or absent however this process ends.
function record(what: "start" | "finish"): void {
  const { runId, epoch } = runContext().run ?? {};
  const line = { what, runId, epoch, pid: process.pid, atMs: Date.now() };
  appendFileSync(join(FOLDER, "executions.jsonl"), `${JSON.stringify(line)}\n`);
}

// The end of a version 7 UUID is random.
function lengthOf(runId: string): number {
  return (Number.parseInt(runId.slice(-6), 16) || 0) % (LONGEST_MS + 1);
}
