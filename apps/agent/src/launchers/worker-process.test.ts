import { randomUUID } from "node:crypto";
import { realpathSync } from "node:fs";
import { join } from "node:path";
import type { RunMessage } from "@downbeat/sdk/protocol";
import { afterEach, beforeAll, expect, test, vi } from "vitest";
import { isAlive } from "../is-alive.fixture.ts";
import { aProject, SOURCE_WORKER, workerOptions } from "../worker-options.fixture.ts";
import type { WorkerEvent } from "./worker-message.ts";
import { WorkerProcess, type RunEnd, type WorkerOptions } from "./worker-process.ts";

const FLOWS = `
import { spawn } from "node:child_process";
import { flow, log, runContext, task } from "@downbeat/sdk";
const step = task({ name: "step" }, async (n: number) => n + 1);
export const fine = flow({ name: "fine" }, async () => { log.info("logged"); console.log("printed"); console.error("complained"); await step(1); });
export const exits = flow({ name: "exits" }, async () => { console.log("last words"); process.exit(3); });
export const hungry = flow({ name: "hungry" }, async () => { const kept: unknown[] = []; for (;;) kept.push(new Array(1e5).fill("x".repeat(10))); });
const flood = () => { for (let line = 0; line < 20_000; line += 1) console.log("line " + line + " " + "x".repeat(80)); };
export const floods = flow({ name: "floods" }, flood);
export const floodsAndExits = flow({ name: "floodsAndExits" }, () => { flood(); process.exit(3); });
export const elsewhere = flow({ name: "elsewhere" }, () => process.chdir("/"));
export const where = flow({ name: "where" }, () => console.log(process.cwd()));
export const stuck = flow({ name: "stuck" }, () => new Promise(() => {}));
export const parent = flow({ name: "parent" }, async () => {
  const child = spawn("sleep", ["300"], { stdio: "inherit" });
  console.log("grandchild " + child.pid);
  await new Promise((resolve) => setTimeout(resolve, 300_000));
});
export const polite = flow({ name: "polite" }, () => new Promise((_, reject) => {
  const timer = setInterval(() => {}, 1000);
  runContext().signal.addEventListener("abort", () => { clearInterval(timer); reject(runContext().signal.reason); });
}));
`;

let project: string;
const workers: WorkerProcess[] = [];

beforeAll(() => {
  project = aProject({ "flows/all.ts": FLOWS });
});

afterEach(() => {
  for (const worker of workers.splice(0)) worker.signal("SIGKILL");
});

type Heard = { events: WorkerEvent[]; lines: string[] };

async function startWorker(options: Partial<WorkerOptions> = {}): Promise<WorkerProcess> {
  const worker = await WorkerProcess.start(workerOptions(project, options));
  workers.push(worker);
  return worker;
}

function runMessage(name: string): RunMessage {
  return {
    type: "run",
    runId: randomUUID(),
    epoch: 1,
    attempt: 1,
    flowName: name,
    modulePath: join(project, "flows/all.ts"),
    exportName: name,
    parameters: {},
  };
}

function run(worker: WorkerProcess, message: RunMessage): { heard: Heard; end: Promise<RunEnd> } {
  const heard: Heard = { events: [], lines: [] };
  const end = worker.run(message, {
    events: (events) => heard.events.push(...events),
    line: (stream, text) => heard.lines.push(`${stream}: ${text}`),
  });
  return { heard, end };
}

test("a run completes with its events and its output, and the process takes the next one", async () => {
  const worker = await startWorker();
  const first = run(worker, runMessage("fine"));
  expect(await first.end).toMatchObject({ kind: "finished", outcome: { outcome: "completed" } });
  expect(first.heard.events.map((event) => event.kind)).toEqual(["log", "task_run"]);
  expect(first.heard.lines.toSorted()).toEqual(["stderr: complained", "stdout: printed"]);
  const second = run(worker, runMessage("fine"));
  expect(await second.end).toMatchObject({ kind: "finished" });
  expect(worker.isSound).toBe(true);
});

test("process.exit() in a flow ends the run with the exit code, after its last words", async () => {
  const { heard, end } = run(await startWorker(), runMessage("exits"));
  expect(await end).toEqual({ kind: "exited", exitCode: 3, signal: null, heapExhausted: false });
  expect(heard.lines).toEqual(["stdout: last words"]);
});

test("all that a run printed is in its log, however much, and none of it in the next one's", async () => {
  const worker = await startWorker();
  const first = run(worker, runMessage("floods"));
  await first.end;
  expect(first.heard.lines).toHaveLength(20_000);
  const second = run(worker, runMessage("fine"));
  await second.end;
  expect(second.heard.lines.toSorted()).toEqual(["stderr: complained", "stdout: printed"]);
  const last = run(worker, runMessage("floodsAndExits"));
  expect(await last.end).toMatchObject({ kind: "exited", exitCode: 3 });
  expect(last.heard.lines).toHaveLength(20_000);
});

test("a run that changes the working directory does not change it for the next one", async () => {
  const worker = await startWorker();
  await run(worker, runMessage("elsewhere")).end;
  const { heard, end } = run(worker, runMessage("where"));
  await end;
  expect(heard.lines).toEqual([`stdout: ${realpathSync(project)}`]);
});

test("running out of heap is told apart from other deaths", async () => {
  const execArgv = [...SOURCE_WORKER.execArgv, "--max-old-space-size=40"];
  const { end } = run(await startWorker({ execArgv }), runMessage("hungry"));
  expect(await end).toMatchObject({ kind: "exited", heapExhausted: true });
});

test("a flow that can never finish ends as failed", async () => {
  const { end } = run(await startWorker(), runMessage("stuck"));
  expect(await end).toMatchObject({
    outcome: { outcome: "failed", error: { class: "FlowNeverSettled" } },
  });
});

test("cancelling reaches the flow's signal", async () => {
  const worker = await startWorker();
  const message = runMessage("polite");
  const { end } = run(worker, message);
  worker.cancel(message.runId);
  expect(await end).toMatchObject({ kind: "finished", outcome: { outcome: "cancelled" } });
});

test("a signal reaches everything the flow has started", async () => {
  const worker = await startWorker();
  const { heard, end } = run(worker, runMessage("parent"));
  const line = await vi.waitUntil(() => heard.lines.find((text) => text.includes("grandchild")), {
    timeout: 10_000,
  });
  const grandchild = Number(/\d+$/.exec(line)?.[0]);
  expect(isAlive(grandchild)).toBe(true);
  worker.signal("SIGKILL");
  expect(await end).toMatchObject({ kind: "exited", signal: "SIGKILL" });
  await vi.waitUntil(() => !isAlive(grandchild), { timeout: 5_000 });
});

test("when only the flow's process dies, what it has started dies with it", async () => {
  const worker = await startWorker();
  const { heard, end } = run(worker, runMessage("parent"));
  const line = await vi.waitUntil(() => heard.lines.find((text) => text.includes("grandchild")), {
    timeout: 10_000,
  });
  process.kill(worker.pid, "SIGTERM");
  expect(await end).toMatchObject({ kind: "exited", signal: "SIGTERM" });
  await vi.waitUntil(() => !isAlive(Number(/\d+$/.exec(line)?.[0])), { timeout: 5_000 });
});

test("the child has the environment given and nothing else", async () => {
  const path = aProject({
    "env.ts": `import { flow } from "@downbeat/sdk";
      export const env = flow({ name: "env" }, () => { console.log(JSON.stringify(Object.keys(process.env).filter((name) => name !== "NODE_CHANNEL_FD" && name !== "NODE_CHANNEL_SERIALIZATION_MODE").toSorted())); });`,
  });
  const worker = await startWorker({ environment: { PATH: "/usr/bin:/bin", OWN: "1" } });
  const { heard, end } = run(worker, { ...runMessage("env"), modulePath: join(path, "env.ts") });
  expect(await end).toMatchObject({ kind: "finished", outcome: { outcome: "completed" } });
  expect(heard.lines).toEqual([`stdout: ["OWN","PATH"]`]);
});

test("a process that cannot start is an error that says so", async () => {
  await expect(
    WorkerProcess.start(workerOptions(project, { entryPath: "/nonexistent.js", execArgv: [] })),
  ).rejects.toThrow(/ended before it was ready/);
});
