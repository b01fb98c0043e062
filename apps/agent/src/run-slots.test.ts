import { afterEach, expect, test, vi } from "vitest";
import { anAgentWorld, type AgentWorld } from "./agent.fixture.ts";
import type { FakeRun } from "./fake-report.fixture.ts";
import { startAgent } from "./start-agent.ts";

const FLOWS = `
import { flow, task } from "@downbeat/sdk";
const write = task({ name: "write", limits: ["db"] }, async () => "written");
export const writes = flow({ name: "writes" }, async () => { await Promise.all([write(), write()]); });
const query = task({ name: "query", tags: ["warehouse", "nightly"] }, async () => "queried");
export const queries = flow({ name: "queries" }, async () => { await Promise.all([query(), query()]); });
export const handles = flow({ name: "handles" }, async () => { await write(); });
`;

const GRANTED = { granted: true, waitSeconds: null, unknown: [] };
const FULL = { granted: false, waitSeconds: 0.05, unknown: [] };

const cleanUp: (() => Promise<unknown> | void)[] = [];

afterEach(async () => {
  for (const clean of cleanUp.splice(0).toReversed()) await clean();
});

async function start(): Promise<AgentWorld> {
  const world = await anAgentWorld(FLOWS);
  cleanUp.push(() => world.plane.close());
  const agent = await startAgent({ ...world.config, labels: ["gpu", "eu"] });
  cleanUp.push(() => agent.kill());
  return world;
}

function ended(run: FakeRun): Promise<unknown> {
  const isOver = () => ["COMPLETED", "FAILED", "CRASHED", "CANCELLED"].includes(run.type);
  return vi.waitUntil(isOver, { timeout: 20_000 });
}

test("limited tasks wait until the plane grants them slots, and give them back", async () => {
  const { plane, offer } = await start();
  let free = 1;
  const granted = new Set<unknown>();
  const answers: boolean[] = [];
  plane.grantSlots = ({ requestId }) => {
    // One slot: the second task gets it only when the first has given it back.
    const back = plane.bodies("releaseSlots").flatMap((body) => body["requestIds"] as string[]);
    free = 1 - [...granted].filter((id) => !back.includes(String(id))).length;
    answers.push(free > 0);
    if (free <= 0) return FULL;
    granted.add(requestId);
    return GRANTED;
  };
  const run = await offer("writes");
  await ended(run);
  expect(run.type).toBe("COMPLETED");
  expect(granted.size).toBe(2);
  expect(plane.bodies("acquireSlots")[0]).toMatchObject({
    runId: run.lease.runId,
    epoch: 1,
    leaseToken: run.lease.leaseToken,
    limitNames: ["db"],
  });
  await vi.waitUntil(() => plane.bodies("releaseSlots").length === 2, { timeout: 10_000 });
  expect(new Set(answers)).toEqual(new Set([true, false]));
  const names = run.taskRuns.map(({ name }) => name);
  expect(names).toContain("AwaitingConcurrencySlot");
  expect(run.taskRuns.filter(({ type }) => type === "COMPLETED")).toHaveLength(2);
});

test("tagged tasks ask for slots of the tags that limits have, and go at once when none has", async () => {
  const { plane, offer } = await start();
  const free = await offer("queries");
  await ended(free);
  expect([free.type, plane.bodies("acquireSlots")]).toEqual(["COMPLETED", []]);
  expect(free.taskRuns.map(({ name }) => name)).not.toContain("AwaitingConcurrencySlot");
  plane.limitedTags.push("warehouse");
  const limited = await offer("queries");
  await ended(limited);
  expect(limited.type).toBe("COMPLETED");
  const asked = plane.bodies("acquireSlots");
  expect(asked.map(({ limitNames, tags }) => [limitNames, tags])).toEqual([
    [[], ["warehouse"]],
    [[], ["warehouse"]],
  ]);
  expect(limited.taskRuns.map(({ name }) => name)).toContain("AwaitingConcurrencySlot");
});

test("a session says what its agent can do", async () => {
  const { plane } = await start();
  expect(plane.bodies("openSession")[0]).toMatchObject({ labels: ["gpu", "eu"] });
});

test("a cancelled run stops waiting for slots", async () => {
  const { plane, offer } = await start();
  plane.grantSlots = () => FULL;
  const run = await offer("handles");
  await vi.waitUntil(() => plane.bodies("acquireSlots").length > 2, { timeout: 20_000 });
  plane.requestCancel(run);
  await ended(run);
  expect(run.type).toBe("CANCELLED");
  expect(run.taskRuns.at(-1)).toMatchObject({ taskName: "write", type: "CANCELLED" });
});

test("the log tells of a limit that does not exist, once", async () => {
  const { plane, offer, logLines } = await start();
  plane.grantSlots = () => ({ ...GRANTED, unknown: ["db"] });
  const run = await offer("writes");
  await ended(run);
  const told = (await logLines(run)).filter(({ text }) => text.includes('No limit "db" exists'));
  expect(told).toHaveLength(1);
});
