import { randomUUID } from "node:crypto";
import type { Lease } from "@downbeat/contract";
import {
  completeExpectedRuns,
  listLogManifests,
  listRunStates,
  lockRuns,
  readRun,
  retryRuns,
  startExpectedRuns,
  storeDataKeys,
  type ExpectedStep,
} from "@downbeat/db";
import { describeEachDatabase } from "@downbeat/testkit";
import { expect, it } from "vitest";
import {
  aBlob,
  aSession,
  aWorkspace,
  claim,
  moveRuns,
  someRuns,
  type Fixture,
} from "./db-fixture.ts";

const AT = "2026-03-01T12:00:00.000Z";
const STARTED = ["RUNNING", "Running", "started"] as const;
const COMPLETED = ["COMPLETED", "Completed", "completed"] as const;

type Given = Partial<ExpectedStep> & { readonly result?: string; readonly emptyLog?: string };

function start(fixture: Fixture, steps: readonly ExpectedStep[]): Promise<number> {
  return fixture.inside((tx) => startExpectedRuns(tx, steps, AT));
}

function complete(fixture: Fixture, steps: readonly (ExpectedStep & Given)[]): Promise<number> {
  const given = steps.map((step) => ({ result: null, ...step }));
  return fixture.inside((tx) => completeExpectedRuns(tx, given, AT));
}

function aStep(fixture: Fixture, lease: Lease, given: Given = {}): ExpectedStep & Given {
  const { runId, epoch, leaseToken } = lease;
  const actor = { kind: "agent", id: fixture.agentId } as const;
  const transitionId = randomUUID();
  return { runId, epoch, leaseToken, sequence: 2, transitionId, actor, ...given };
}

async function someLeases(fixture: Fixture, count: number): Promise<Lease[]> {
  await someRuns(fixture, count);
  return claim(fixture, { sessionId: await aSession(fixture) });
}

/** All that is kept of a run, but what tells one from another, and where its history stands. */
async function recordOf({ inside }: Fixture, runId: string): Promise<unknown> {
  const rows = await inside(async ({ prisma }) => [
    await prisma.liveRun.findMany({ where: { runId }, omit: { claimedAt: true } }),
    await prisma.endedRun.findMany({ where: { runId }, omit: { claimedAt: true } }),
    await prisma.$queryRaw`select * from run_history where run_id = ${runId}::uuid order by sequence`,
  ]);
  const text = JSON.stringify(rows, (key, value: unknown) =>
    ["leaseToken", "transition_id", "recentTransitionIds"].includes(key) ? typeof value : value,
  );
  return JSON.parse(text.replaceAll(runId, "run").replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, "at"));
}

describeEachDatabase("steps of runs that nobody has locked", ({ database }) => {
  it("are written as the same steps of locked runs are", async () => {
    const fixture = await aWorkspace(database());
    const [one, other] = (await someLeases(fixture, 2)) as [Lease, Lease];
    await moveRuns(fixture, [one.runId], [[...STARTED]]);
    expect(await start(fixture, [aStep(fixture, other)])).toBe(1);
    expect(await recordOf(fixture, other.runId)).toEqual(await recordOf(fixture, one.runId));
    await moveRuns(fixture, [one.runId], [[...COMPLETED]]);
    expect(await complete(fixture, [aStep(fixture, other, { sequence: 3 })])).toBe(1);
    expect(await recordOf(fixture, other.runId)).toEqual(await recordOf(fixture, one.runId));
  });

  it("keep the pointer to the result, and their transitions are known afterwards", async () => {
    const fixture = await aWorkspace(database());
    const [lease] = (await someLeases(fixture, 1)) as [Lease];
    const started = aStep(fixture, lease);
    const result = aBlob("result");
    const ended = aStep(fixture, lease, { sequence: 3, result });
    await start(fixture, [started]);
    await complete(fixture, [ended]);
    const run = (await fixture.inside((tx) => lockRuns(tx, [lease.runId]))).get(lease.runId);
    expect(run?.live).toBe(false);
    for (const { transitionId } of [started, ended])
      expect(run?.knownTransitionIds.has(transitionId)).toBe(true);
    const read = await fixture.inside((tx) => readRun(tx, lease.runId));
    expect(read).toMatchObject({ result, agentName: "agent-1", endedAt: AT, startedAt: AT });
  });

  it("keep the word of an attempt that it has logged nothing, with the key that says so", async () => {
    const fixture = await aWorkspace(database());
    const [lease] = (await someLeases(fixture, 1)) as [Lease];
    const { runId } = lease;
    const key = { id: randomUUID(), wrap: "{}", wrapTag: null };
    await fixture.inside((tx) => storeDataKeys(tx, [key]));
    const emptyLog = `${key.id}.${"A".repeat(43)}`;
    await start(fixture, [aStep(fixture, lease)]);
    await complete(fixture, [aStep(fixture, lease, { sequence: 3, emptyLog })]);
    const page = await fixture.inside((tx) => listLogManifests(tx, { runId, limit: 1 }));
    const items = [{ epoch: 1, part: 0, manifest: null, emptyLog }];
    expect(page).toEqual({ items, nextAfter: null, dataKeys: [key] });
    // It outlives the row that told it.
    const asked = { name: "Scheduled", reason: "retry_requested", mode: "from_start" } as const;
    const actor = { kind: "api-key", id: null } as const;
    const revival = { runId, standingSequence: 3, transitionId: randomUUID(), actor, ...asked };
    expect(await fixture.inside((tx) => retryRuns(tx, [revival]))).toHaveLength(1);
    expect(await fixture.inside((tx) => listLogManifests(tx, { runId, limit: 1 }))).toEqual(page);
  });

  it("are left out for runs that do not stand as expected, while the others are written", async () => {
    const fixture = await aWorkspace(database());
    const [lease, good] = (await someLeases(fixture, 2)) as [Lease, Lease];
    const known = randomUUID();
    await moveRuns(fixture, [lease.runId], [["PENDING", "Pending", "claimed", known]]);
    const writes = [
      { write: start, sequence: 3, step: STARTED },
      { write: complete, sequence: 4, step: COMPLETED },
    ];
    for (const { write, sequence, step } of writes) {
      const before = await recordOf(fixture, lease.runId);
      const odd: Given[] = [
        { leaseToken: "f".repeat(32) },
        { epoch: 2 },
        { sequence: sequence - 1 },
        { sequence: sequence + 1 },
        { transitionId: known },
      ];
      for (const given of odd) {
        const steps = [aStep(fixture, lease, { sequence, ...given })];
        expect([given, await write(fixture, steps)]).toEqual([given, 0]);
      }
      const ofGood = aStep(fixture, good, { sequence: sequence - 1 });
      const mixed = [aStep(fixture, lease, { sequence, epoch: 2 }), ofGood];
      expect(await write(fixture, mixed)).toBe(1);
      expect(await recordOf(fixture, lease.runId)).toEqual(before);
      await moveRuns(fixture, [lease.runId], [[...step]]);
    }
  });

  it("are not taken for another state, from another workspace, or twice", async () => {
    const fixture = await aWorkspace(database());
    const stranger = await aWorkspace(database());
    const [lease] = (await someLeases(fixture, 1)) as [Lease];
    expect(await complete(fixture, [aStep(fixture, lease)])).toBe(0);
    expect(await start(stranger, [aStep(stranger, lease)])).toBe(0);
    const twice = [aStep(fixture, lease), aStep(fixture, lease)];
    expect(await start(fixture, twice)).toBe(1);
    expect(await start(fixture, [aStep(fixture, lease, { sequence: 3 })])).toBe(0);
    expect(await complete(stranger, [aStep(stranger, lease, { sequence: 3 })])).toBe(0);
    const ends = [0, 1].map(() => aStep(fixture, lease, { sequence: 3 }));
    expect(await complete(fixture, ends)).toBe(1);
    const states = await fixture.inside((tx) => listRunStates(tx, lease.runId));
    expect(states.map(({ type }) => type)).toEqual([
      "SCHEDULED",
      "PENDING",
      "RUNNING",
      "COMPLETED",
    ]);
  });
});
