import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { sealJson } from "@downbeat/seal";
import { afterEach, expect, test, vi } from "vitest";
import type { Agent } from "./agent.ts";
import { anAgentWorld, type AgentWorld } from "./agent.fixture.ts";
import type { AgentConfig } from "./config.ts";
import type { FakeRun } from "./fake-report.fixture.ts";
import { startAgent } from "./start-agent.ts";

const FLOWS = `
import { flow, log, task } from "@downbeat/sdk";
import { z } from "zod";
const double = task({ name: "double" }, async (n: number) => n * 2);
export const sums = flow({ name: "sums", parameters: z.object({ n: z.number() }) }, async ({ n }) => {
  log.info("the secret is " + n, { n });
  console.log("printed " + n);
  return double(n);
});
export const fails = flow({ name: "fails" }, async () => { throw new TypeError("row 7 is broken"); });
export const exits = flow({ name: "exits" }, async () => { process.exit(3); });
export const sleeps = flow({ name: "sleeps" }, async () => { log.info("asleep"); await new Promise((resolve) => setTimeout(resolve, 120_000)); });
export const brief = flow({ name: "brief" }, async () => { await new Promise((resolve) => setTimeout(resolve, 700)); });
export const noop = flow({ name: "noop" }, async () => {});
let tries = 0;
export const retries = flow({ name: "retries", retries: 1, retryDelay: 1 }, async () => { if (tries++ === 0) throw new Error("first"); });
export const chatty = flow({ name: "chatty" }, async () => { for (let line = 0; line < 3000; line += 1) log.info("line " + line + " " + "x".repeat(50)); });
`;

const cleanUp: (() => Promise<unknown> | void)[] = [];

afterEach(async () => {
  for (const clean of cleanUp.splice(0).toReversed()) await clean();
});

async function start(over: Partial<AgentConfig> = {}): Promise<AgentWorld & { agent: Agent }> {
  const world = await anAgentWorld(FLOWS, over);
  cleanUp.push(() => world.plane.close());
  const agent = await startAgent(world.config);
  cleanUp.push(() => agent.kill());
  return { ...world, agent };
}

function ended(run: FakeRun): Promise<unknown> {
  const isOver = () => ["COMPLETED", "FAILED", "CRASHED", "CANCELLED"].includes(run.type);
  return vi.waitUntil(isOver, { timeout: 20_000 });
}

const story = (run: FakeRun) => run.transitions.map(({ name, reason }) => `${name}: ${reason}`);

test("a run is claimed, opened, announced, executed and reported, sealed", async () => {
  const { offer, logLines, agent } = await start();
  const run = await offer("sums", { n: 41 });
  await ended(run);
  expect(story(run)).toEqual(["Running: started", "Completed: completed"]);
  expect(run.taskRuns.at(-1)).toMatchObject({ taskName: "double", type: "COMPLETED", index: 0 });
  const lines = await logLines(run);
  expect(lines.map(({ logger, text }) => `${logger}: ${text}`).toSorted()).toEqual([
    "stdout: printed 41",
    "sums: the secret is 41",
  ]);
  expect(JSON.stringify(run.logs)).not.toContain("secret");
  await vi.waitUntil(() => agent.activeRuns === 0);
});

test.each([
  ["a flow that throws", "fails", undefined, "Failed: failed", "TypeError"],
  [
    "parameters that do not fit",
    "sums",
    { n: "x" },
    "Failed: parameters_invalid",
    "ParameterError",
  ],
  ["process.exit", "exits", undefined, "Crashed: process_exited", "ProcessExit"],
] as const)(
  "%s ends as the run's error, its message sealed",
  async (...[, name, parameters, last, errorClass]) => {
    const { offer, opener } = await start({ concurrency: 1 });
    const run = await offer(name, parameters);
    await ended(run);
    expect(story(run)).toEqual(["Running: started", last]);
    const error = run.transitions.at(-1)?.error;
    expect(error).toMatchObject({
      class: errorClass,
      fingerprint: expect.stringMatching(/^[\w-]{43}$/),
    });
    const { runId, epoch } = run.lease;
    const detail = await opener.open(error?.detail ?? "", { kind: "error", run: runId, epoch });
    expect(detail).toMatchObject({ class: errorClass, message: expect.any(String) });
  },
);

test.each([
  [
    "a path out of the project",
    { path: "../../etc/flows.ts", export: "noop" },
    "Failed: entrypoint_invalid",
    "EntrypointError",
  ],
  [
    "a file that is not there",
    { path: "gone.ts", export: "noop" },
    "Failed: entrypoint_invalid",
    "EntrypointError",
  ],
  ["no entrypoint at all", { nothing: 1 }, "Failed: entrypoint_invalid", "EntrypointError"],
] as const)("%s is refused before anything runs", async (_, entrypoint, last, errorClass) => {
  const { offer } = await start({ concurrency: 1 });
  const run = await offer("noop", undefined, entrypoint);
  await ended(run);
  expect(story(run)).toEqual([last]);
  expect(run.transitions[0]?.error?.class).toBe(errorClass);
});

test("an export that is no flow is refused by the worker", async () => {
  const { offer } = await start({ concurrency: 1 });
  const run = await offer("noop", undefined, { path: "flows.ts", export: "nothing" });
  await ended(run);
  expect(story(run)).toEqual(["Running: started", "Failed: entrypoint_invalid"]);
});

test("parameters of another deployment, or from an unknown key, do not open", async () => {
  const { offer, plane, dataKey } = await start({ concurrency: 1 });
  const run = await offer("noop");
  await ended(run);
  const moved = plane.offer({
    ...pick(run),
    parameters: await sealJson(dataKey, { kind: "parameters", dep: "other/default" }, {}),
  });
  const unknown = plane.offer({
    ...pick(run),
    parameters: await sealJson(
      { ...dataKey, id: randomUUID() },
      { kind: "parameters", dep: "noop/default" },
      {},
    ),
  });
  for (const refused of [moved, unknown]) {
    await ended(refused);
    expect(story(refused)).toEqual(["Failed: parameters_unreadable"]);
    expect(refused.transitions[0]?.error?.class).toBe("KeyError");
  }
});

function pick({ lease: { flowName, entrypoint, defaultParameters } }: FakeRun) {
  return { flowName, entrypoint, defaultParameters };
}

test("a retry inside the process shows as Retrying, in order", async () => {
  const { offer } = await start({ concurrency: 1 });
  const run = await offer("retries");
  await ended(run);
  expect(
    run.transitions.map(({ name }) => name).filter((name, at, all) => name !== all[at - 1]),
  ).toEqual([
    "Running",
    "Retrying",
    ...(run.transitions.length === 4 ? ["Running"] : []),
    "Completed",
  ]);
});

test("a cancelled run is told, then its process group is killed, and it ends as cancelled", async () => {
  const { offer, plane } = await start();
  const run = await offer("sleeps");
  await vi.waitUntil(() => run.type === "RUNNING" && run.logs.length > 0, { timeout: 10_000 });
  plane.requestCancel(run);
  await ended(run);
  expect(story(run)).toEqual(["Running: started", "Cancelled: cancelled"]);
});

test("a fenced run is killed and says nothing more", async () => {
  const { offer, plane, agent } = await start({ concurrency: 1 });
  const run = await offer("sleeps");
  await vi.waitUntil(() => run.logs.length > 0, { timeout: 10_000 });
  plane.fenced.add(run.lease.runId);
  await vi.waitUntil(() => agent.activeRuns === 0, { timeout: 10_000 });
  const next = await offer("noop");
  await ended(next);
  expect(story(run)).toEqual(["Running: started"]);
});

test("user code starts only after the plane has agreed", async () => {
  const { offer, plane } = await start();
  plane.behave = (name) => (name === "report" ? "fail" : "answer");
  const run = await offer("chatty");
  await vi.waitUntil(() => run.type === "PENDING");
  // Three refused announcements later nothing has begun.
  let refused = 0;
  plane.behave = (name) => (name === "report" && ++refused <= 3 ? "fail" : "answer");
  await ended(run);
  expect(refused).toBeGreaterThanOrEqual(3);
  expect(story(run)).toEqual(["Running: started", "Completed: completed"]);
});

test("log lines arrive in order, in chunks, all of them", async () => {
  const { offer, logLines } = await start();
  const run = await offer("chatty");
  await ended(run);
  const lines = await logLines(run);
  expect(lines.map(({ text }) => Number(text.split(" ")[1]))).toEqual(
    Array.from({ length: 3000 }, (_, line) => line),
  );
  expect(run.logs.length).toBeGreaterThan(1);
});

test("while the plane is away a running flow goes on, and its end arrives afterwards, once", async () => {
  const { offer, plane, agent } = await start();
  const run = await offer("brief");
  await vi.waitUntil(() => run.type === "RUNNING", { timeout: 10_000 });
  let refused = 0;
  plane.behave = (name) => (name === "report" && ++refused < 3 ? "drop-request" : "answer");
  await ended(run);
  expect(refused).toBeGreaterThanOrEqual(3);
  expect(story(run)).toEqual(["Running: started", "Completed: completed"]);
  await vi.waitUntil(() => agent.activeRuns === 0);
});

test("when its session is ended, it opens another and goes on", async () => {
  const { offer, plane } = await start({ concurrency: 1 });
  const first = await offer("noop");
  await ended(first);
  plane.endSessions();
  const second = await offer("noop");
  await vi.waitUntil(() => plane.bodies("openSession").length === 2, { timeout: 10_000 });
  const third = await offer("noop");
  await ended(third);
  expect(plane.endedSessionIds).toHaveLength(1);
  expect([second.type, third.type]).toContain("COMPLETED");
});

test("many short runs go through, each once", async () => {
  const { offer, plane } = await start({ concurrency: 2 });
  const runs = await Promise.all(Array.from({ length: 1_000 }, () => offer("noop")));
  // One condition: a thousand pollers would be most of the work on a busy machine.
  const areOver = () => runs.every(({ type }) => type === "COMPLETED");
  await vi.waitUntil(areOver, { timeout: 60_000 });
  for (const run of runs) expect(story(run)).toEqual(["Running: started", "Completed: completed"]);
  expect(plane.accepted).toHaveLength(2_000);
}, 70_000);

test("draining lets running flows finish, gives back what has not begun, and ends the session", async () => {
  const { offer, plane, agent } = await start({ concurrency: 1 });
  const running = await offer("brief");
  await vi.waitUntil(() => running.type === "RUNNING", { timeout: 10_000 });
  await agent.stop();
  expect(running.type).toBe("COMPLETED");
  expect(plane.bodies("release").at(-1)).toMatchObject({ endSession: true });
  const later = await offer("noop");
  expect(later.type).toBe("SCHEDULED");
});

test("killing reports what still ran as crashed", async () => {
  const { offer, agent } = await start({ concurrency: 1 });
  const run = await offer("sleeps");
  await vi.waitUntil(() => run.logs.length > 0, { timeout: 10_000 });
  await agent.kill();
  expect(story(run)).toEqual(["Running: started", "Crashed: process_killed"]);
});

test("neither the agent nor its flows listen on a socket", async () => {
  const { offer, plane } = await start({ concurrency: 1 });
  await ended(await offer("noop"));
  const own = listeningInodes().filter((inode) => socketsOf(process.pid).includes(inode));
  // The fake plane of this test lives in the same process: its one socket is the control that this check can see one.
  expect(own).toHaveLength(1);
  plane.close();
  expect(listeningInodes().filter((inode) => socketsOf(process.pid).includes(inode))).toHaveLength(
    0,
  );
});

function listeningInodes(): string[] {
  const tables = ["/proc/net/tcp", "/proc/net/tcp6"].flatMap((path) =>
    readFileSync(path, "utf8").split("\n"),
  );
  const rows = tables
    .map((line) => line.trim().split(/\s+/))
    .filter((columns) => columns[3] === "0A");
  return rows.map((columns) => columns[9] ?? "");
}

function socketsOf(pid: number): string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [];
    } catch {
      return []; // closed between listing and reading
    }
  });
}
