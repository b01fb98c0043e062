import { randomUUID } from "node:crypto";
import type { Lease } from "@downbeat/contract";
import {
  acquireSlots,
  lockRuns,
  releaseRuns,
  sweepSessions,
  updatePool,
  type Database,
} from "@downbeat/db";
import { describeEachDatabase } from "@downbeat/testkit";
import { expect, it } from "vitest";
import { aSession, aWorkspace, claim, claimAhead, moveRuns, type Fixture } from "./db-fixture.ts";
import { aLimit, aQueue, countSlots, deployLimited, flowsOf, runsOf } from "./limits-fixture.ts";

// PGlite has one connection, on which claims queue: many of them only wait there.
const CLAIMERS = { pglite: 4, postgres: 20 } as const;
const RUNS_OF_EACH = 15;
const FLOWS = ["a", "b", "c", "d"] as const;

/** A pool with every kind of limit, crossing each other. */
async function aLimitedPool(database: Database): Promise<Fixture> {
  const fixture = await aWorkspace(database);
  await fixture.inside((tx) => updatePool(tx, { name: "default", concurrencyLimit: 9 }));
  await aQueue(fixture, "narrow", { priority: 1, concurrencyLimit: 5 });
  await aLimit(fixture, "db", { slots: 3 });
  await aLimit(fixture, "mail", { slots: 2 });
  const enqueue = (limit: number) => ({ limit, strategy: "enqueue" as const });
  await deployLimited(fixture, "a", { queueName: "narrow", limitNames: ["db"] });
  await deployLimited(fixture, "b", { queueName: "narrow", concurrency: enqueue(2) });
  await deployLimited(fixture, "c", { limitNames: ["db", "mail"] });
  await deployLimited(fixture, "d", { concurrency: enqueue(4) });
  for (const flowName of FLOWS) await runsOf(fixture, flowName, RUNS_OF_EACH);
  return fixture;
}

type Use = { pool: number; narrow: number; b: number; d: number; db: number; mail: number };
const LIMITS: Use = { pool: 9, narrow: 5, b: 2, d: 4, db: 3, mail: 2 };

/** Everything that limits count, in one snapshot. */
async function readUse({ inside, workspaceId }: Fixture): Promise<Use> {
  const [use] = await inside(
    (tx) => tx.prisma.$queryRaw<Use[]>`
      select count(*)::int as pool,
        (count(*) filter (where q.name = 'narrow'))::int as narrow,
        (count(*) filter (where f.name = 'b'))::int as b,
        (count(*) filter (where f.name = 'd'))::int as d,
        (select count(*)::int from limit_slot s join concurrency_limit c on c.id = s.limit_id
          where s.workspace_id = ${workspaceId}::uuid and c.name = 'db') as db,
        (select count(*)::int from limit_slot s join concurrency_limit c on c.id = s.limit_id
          where s.workspace_id = ${workspaceId}::uuid and c.name = 'mail') as mail
      from live_run l
      join work_queue q on q.id = l.queue_id
      join flow_run r on r.id = l.run_id
      join flow f on f.id = r.flow_id
      where l.workspace_id = ${workspaceId}::uuid and l.session_id is not null`,
  );
  if (use === undefined) throw new Error("Counting returned no row.");
  return use;
}

/** Whole numbers below a bound, the same for the same seed. */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

describeEachDatabase("limits under many claims at once", ({ kind, database }) => {
  it("are never exceeded, and leave no slot behind", async () => {
    const seed = 20_260_301;
    const fixture = await aLimitedPool(database());
    const ended = new Set<string>();
    const worst: Use = { pool: 0, narrow: 0, b: 0, d: 0, db: 0, mail: 0 };
    const look = async () => {
      const use = await readUse(fixture);
      for (const key of Object.keys(worst) as (keyof Use)[])
        worst[key] = Math.max(worst[key], use[key]);
    };
    const end = async (lease: Lease, random: (below: number) => number, sessionId: string) => {
      const actor = { kind: "agent", id: fixture.agentId } as const;
      const choice = random(4);
      if (choice === 0)
        return fixture.inside((tx) => releaseRuns(tx, { sessionId, runs: [lease], actor }));
      // A task of the run asks for one more slot of what its flow holds already.
      if (choice === 1) {
        const names = { limitNames: ["db"], tags: [] };
        const asked = { ...lease, requestId: randomUUID(), taskRunId: null, ...names };
        await fixture.inside((tx) => acquireSlots(tx, asked));
        await look();
      }
      await moveRuns(fixture, [lease.runId], [["COMPLETED", "Completed", "completed"]]);
      ended.add(lease.runId);
    };
    const work = async (number: number) => {
      const random = randomOf(seed + number);
      const sessionId = await aSession(fixture, 3, 3_600);
      while (ended.size < FLOWS.length * RUNS_OF_EACH) {
        const ask = random(2) === 0 ? claim : claimAhead;
        const leases = await ask(fixture, { sessionId, max: 1 + random(3) });
        await look();
        for (const lease of leases) await end(lease, random, sessionId);
      }
    };
    await Promise.all(Array.from({ length: CLAIMERS[kind] }, (_, number) => work(number)));
    for (const key of Object.keys(LIMITS) as (keyof Use)[])
      expect(worst[key], `${key}, seed ${seed}`).toBeLessThanOrEqual(LIMITS[key]);
    // The test would prove nothing if the limits had never been reached.
    expect(worst).toMatchObject({ b: LIMITS.b, db: LIMITS.db });
    expect(await countSlots(fixture)).toBe(0);
    expect(await readUse(fixture)).toMatchObject({ pool: 0 });
  }, 240_000);

  it("are free again after the sessions that held them were killed", async () => {
    const fixture = await aLimitedPool(database());
    const sessions = await Promise.all(Array.from({ length: 6 }, () => aSession(fixture, 3)));
    const held = await Promise.all(sessions.map((sessionId) => claim(fixture, { sessionId })));
    const runIds = held.flat().map(({ runId }) => runId);
    await moveRuns(fixture, runIds.slice(0, 5), [["RUNNING", "Running", "started"]]);
    expect(await countSlots(fixture)).toBeGreaterThan(0);
    const now = new Date(Date.now() + 3_600_000);
    const windows = { reconnectWindowSeconds: 300, cancelDeadlineSeconds: 60, now };
    await database().asEngine((tx) => sweepSessions(tx, windows));
    expect(await countSlots(fixture)).toBe(0);
    const runs = await fixture.inside((tx) => lockRuns(tx, runIds));
    expect(new Set([...runs.values()].map(({ state }) => state.type))).toEqual(
      new Set(["CRASHED", "SCHEDULED"]),
    );
    const next = await claim(fixture, { sessionId: await aSession(fixture) });
    expect(next.length).toBe(LIMITS.pool);
  });
});

describeEachDatabase("claims by turns", ({ database }) => {
  it("give a quiet deployment its share behind the backlog of a busy one", async () => {
    const fixture = await aWorkspace(database());
    await deployLimited(fixture, "busy");
    await deployLimited(fixture, "quiet");
    await runsOf(fixture, "busy", 300);
    await runsOf(fixture, "quiet", 5);
    const leases = await claim(fixture, { sessionId: await aSession(fixture), max: 10 });
    expect(flowsOf(leases).filter((flowName) => flowName === "quiet")).toHaveLength(5);
    expect(leases).toHaveLength(10);
  });

  it("fill every free place when the lines are of unequal length", async () => {
    const fixture = await aWorkspace(database());
    for (const [flowName, count] of [
      ["long", 60],
      ["short", 2],
      ["tiny", 1],
    ] as const) {
      await deployLimited(fixture, flowName);
      await runsOf(fixture, flowName, count);
    }
    const leases = await claim(fixture, { sessionId: await aSession(fixture), max: 50 });
    expect(leases).toHaveLength(50);
    expect(flowsOf(leases).filter((flowName) => flowName !== "long")).toHaveLength(3);
  });

  it("do not starve a queue of the same priority, one run at a time either", async () => {
    const fixture = await aWorkspace(database());
    await aQueue(fixture, "other");
    await deployLimited(fixture, "busy");
    await deployLimited(fixture, "quiet", { queueName: "other" });
    await runsOf(fixture, "busy", 100);
    await runsOf(fixture, "quiet", 3);
    const sessionId = await aSession(fixture);
    const taken: string[] = [];
    // Who goes first is drawn from the request's id: these ids make the draw the same each time.
    for (let draw = 0; draw < 24; draw += 1) {
      const claimRequestId = `00000000-0000-4000-8000-${`${draw}`.padStart(12, "0")}`;
      taken.push(...flowsOf(await claim(fixture, { sessionId, max: 1, claimRequestId })));
    }
    expect(taken).toHaveLength(24);
    expect(taken.filter((flowName) => flowName === "quiet")).toHaveLength(3);
  });

  it("still serve a better priority first, all of it", async () => {
    const fixture = await aWorkspace(database());
    await aQueue(fixture, "urgent", { priority: 1 });
    await deployLimited(fixture, "now", { queueName: "urgent" });
    await runsOf(fixture, "etl", 20);
    await runsOf(fixture, "now", 8);
    const leases = await claim(fixture, { sessionId: await aSession(fixture), max: 10 });
    expect(flowsOf(leases)).toEqual([...Array(8).fill("now"), "etl", "etl"]);
  });
});
