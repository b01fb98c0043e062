import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { afterEach, beforeAll, expect, test, vi } from "vitest";
import { isAlive } from "../is-alive.fixture.ts";
import { aProject, workerOptions } from "../worker-options.fixture.ts";
import type { Launcher } from "./launcher.ts";
import { ProcessLauncher } from "./process.ts";
import { WarmLauncher } from "./warm.ts";
import type { RunEnd, WorkerProcess } from "./worker-process.ts";

const FLOWS = `import { flow } from "@downbeat/sdk";
export const fine = flow({ name: "fine" }, async () => {});
export const overdue = flow({ name: "overdue", timeoutMs: 50 }, () => new Promise((resolve) => setTimeout(resolve, 60_000)));`;

let project: string;
const launchers: Launcher[] = [];

beforeAll(() => {
  project = aProject({ "flows.ts": FLOWS });
});

afterEach(async () => {
  await Promise.all(launchers.splice(0).map((launcher) => launcher.close()));
});

function keep<L extends Launcher>(launcher: L): L {
  launchers.push(launcher);
  return launcher;
}

async function runOn(worker: WorkerProcess, name = "fine"): Promise<RunEnd> {
  const runId = randomUUID();
  const start = {
    modulePath: join(project, "flows.ts"),
    exportName: name,
    flowName: name,
    parameters: {},
  };
  return worker.run(
    { type: "run", runId, epoch: 1, attempt: 1, ...start },
    { events: () => {}, line: () => {} },
  );
}

test("warm: a process is used again, and no more than the limit exist", async () => {
  const launcher = keep(new WarmLauncher({ worker: workerOptions(project), limit: 1 }));
  const first = await launcher.take();
  await runOn(first);
  const waiting = launcher.take();
  expect(launcher.free).toBe(0);
  launcher.giveBack(first);
  expect((await waiting).pid).toBe(first.pid);
  launcher.giveBack(first);
});

test("warm: says so when a process has little left to do and no more runs wait", async () => {
  const launcher = keep(new WarmLauncher({ worker: workerOptions(project), limit: 1 }));
  const worker = await launcher.take(true);
  const taking = Array.from({ length: 20 }, () => launcher.take(true));
  let calls = 0;
  launcher.whenShort(() => (calls += 1));
  // It has nine; with eight left it gets eight more, of twelve, and with eight left again the other four.
  for (let ended = 1; ended <= 8; ended += 1) launcher.giveBack(worker);
  expect(calls).toBe(0);
  launcher.giveBack(worker);
  expect(calls).toBe(1);
  await Promise.all(taking);
  for (let left = 12; left > 0; left -= 1) launcher.giveBack(worker);
});

test("warm: brief runs share a process at work; another run waits for one of its own, and those after it for their turn", async () => {
  const launcher = keep(new WarmLauncher({ worker: workerOptions(project), limit: 1 }));
  const [first, second] = [await launcher.take(true), await launcher.take(true)];
  expect(second).toBe(first);
  const order: string[] = [];
  const alone = launcher.take().then(() => order.push("alone"));
  const brief = launcher.take(true).then(() => order.push("brief"));
  launcher.giveBack(first);
  expect(await runOn(first)).toMatchObject({ kind: "finished" });
  expect(order).toEqual([]);
  launcher.giveBack(first);
  await alone;
  expect(await runOn(first)).toMatchObject({ kind: "finished" });
  expect(order).toEqual(["alone"]);
  launcher.giveBack(first);
  await brief;
  launcher.giveBack(first);
});

test("warm: a worn process is replaced", async () => {
  const launcher = keep(
    new WarmLauncher({ worker: workerOptions(project), limit: 1, recycleRuns: 1 }),
  );
  const first = await launcher.take();
  await runOn(first);
  launcher.giveBack(first);
  const second = await launcher.take();
  expect(second.pid).not.toBe(first.pid);
  launcher.giveBack(second);
});

test("warm: a process in which user code outlived its run is replaced and killed", async () => {
  const launcher = keep(new WarmLauncher({ worker: workerOptions(project), limit: 1 }));
  const first = await launcher.take();
  expect(await runOn(first, "overdue")).toMatchObject({
    outcome: { stateName: "TimedOut", abandoned: true },
  });
  launcher.giveBack(first);
  const second = await launcher.take();
  expect(second.pid).not.toBe(first.pid);
  expect(await first.exited).toMatchObject({ signal: "SIGKILL" });
  launcher.giveBack(second);
});

test("warm: when a process dies idle, the next take gets another", async () => {
  const launcher = keep(new WarmLauncher({ worker: workerOptions(project), limit: 1 }));
  const first = await launcher.take();
  launcher.giveBack(first);
  process.kill(first.pid, "SIGKILL");
  await first.exited;
  const second = await launcher.take();
  expect(await runOn(second)).toMatchObject({ kind: "finished" });
  launcher.giveBack(second);
});

test("a fresh process for every run, and the next one when a place is free", async () => {
  const launcher = keep(new ProcessLauncher({ worker: workerOptions(project), limit: 1 }));
  const first = await launcher.take();
  const waiting = launcher.take();
  expect(launcher.free).toBe(0);
  expect(await runOn(first)).toMatchObject({ kind: "finished" });
  launcher.giveBack(first);
  const second = await waiting;
  expect(second.pid).not.toBe(first.pid);
  expect(await first.exited).toMatchObject({ exitCode: 0 });
  launcher.giveBack(second);
});

test("a process started ahead waits for the next run; one that died meanwhile is not given out", async () => {
  const started: number[] = [];
  const ended: number[] = [];
  const worker = workerOptions(project, {
    onStart: async (pid) => void started.push(pid),
    onExit: async (pid) => void ended.push(pid),
  });
  const launcher = keep(new ProcessLauncher({ worker, limit: 2 }));
  await vi.waitUntil(() => started.length === 1, { timeout: 10_000 });
  const [first, other] = await Promise.all([launcher.take(), launcher.take()]);
  expect(first.pid).toBe(started[0]);
  // Two in use and one ahead, although both takes began before there was another.
  await vi.waitUntil(() => started.length === 3, { timeout: 10_000 });
  const ahead = started.find((pid) => pid !== first.pid && pid !== other.pid) ?? 0;
  launcher.giveBack(first);
  process.kill(ahead, "SIGKILL");
  await vi.waitUntil(() => ended.includes(ahead), { timeout: 10_000 });
  const second = await launcher.take();
  expect(second.pid).not.toBe(ahead);
  expect(await runOn(second)).toMatchObject({ kind: "finished" });
  for (const taken of [second, other]) launcher.giveBack(taken);
  await launcher.close();
  expect(started.filter((pid) => isAlive(pid))).toEqual([]);
});

test.each(["warm", "process"] as const)(
  "%s: a process that cannot start is reported to who asked for it",
  async (kind) => {
    const worker = workerOptions(project, { entryPath: "/nonexistent.js", execArgv: [] });
    const Launcher = kind === "warm" ? WarmLauncher : ProcessLauncher;
    const launcher = keep(new Launcher({ worker, limit: 1 }));
    await expect(launcher.take()).rejects.toThrow(/ended before it was ready/);
    await vi.waitUntil(() => launcher.free === 1, { timeout: 10_000 });
  },
);
