import { randomUUID } from "node:crypto";
import type { Lease } from "@downbeat/contract";
import {
  acquireSlots,
  completeExpectedRuns,
  endSessions,
  freeEndedSlots,
  releaseRuns,
  releaseSlots,
  startExpectedRuns,
} from "@downbeat/db";
import { describeEachDatabase } from "@downbeat/testkit";
import { expect, it } from "vitest";
import { aSession, aWorkspace, claim, moveRuns, someRuns, type Fixture } from "./db-fixture.ts";
import { aLimit, countSlots } from "./limits-fixture.ts";

async function aHeldRun(fixture: Fixture): Promise<{ lease: Lease; sessionId: string }> {
  await someRuns(fixture, 1);
  const sessionId = await aSession(fixture);
  const [lease] = await claim(fixture, { sessionId, max: 1 });
  if (lease === undefined) throw new Error("The run was not claimed.");
  return { lease, sessionId };
}

function acquire(
  fixture: Fixture,
  { runId, epoch, leaseToken }: Lease,
  given: {
    limitNames?: readonly string[];
    tags?: readonly string[];
    requestId?: string;
    now?: Date;
  },
) {
  const { requestId = randomUUID(), ...rest } = given;
  const fence = { runId, epoch, leaseToken };
  const asked = { ...fence, taskRunId: null, requestId, limitNames: [], tags: [], ...rest };
  return fixture.inside((tx) => acquireSlots(tx, asked));
}

/** Starts runs and completes them, as a report of runs that nobody has locked does. */
async function complete(fixture: Fixture, leases: readonly Lease[]): Promise<void> {
  const actor = { kind: "agent", id: fixture.agentId } as const;
  const steps = leases.map(({ runId, epoch, leaseToken }) => {
    const fence = { runId, epoch, leaseToken };
    return { ...fence, sequence: 2, transitionId: randomUUID(), actor, result: null };
  });
  const ends = steps.map((step) => ({ ...step, sequence: 3, transitionId: randomUUID() }));
  const at = new Date().toISOString();
  await fixture.inside((tx) => startExpectedRuns(tx, steps, at));
  await fixture.inside((tx) =>
    Promise.all([
      completeExpectedRuns(tx, ends, at),
      freeEndedSlots(
        tx,
        ends.map(({ runId }) => runId),
      ),
    ]),
  );
}

describeEachDatabase("slots of tasks", ({ database }) => {
  it("are granted while there are some, once per request, and can be given back", async () => {
    const fixture = await aWorkspace(database());
    await aLimit(fixture, "db", { slots: 1 });
    const [{ lease }, other] = [await aHeldRun(fixture), await aHeldRun(fixture)];
    const requestId = randomUUID();
    const ask = () => acquire(fixture, lease, { limitNames: ["db"], requestId });
    expect(await ask()).toEqual({ granted: true, waitSeconds: null, unknown: [] });
    expect(await ask()).toMatchObject({ granted: true });
    expect(await countSlots(fixture)).toBe(1);
    const others = () => acquire(fixture, other.lease, { limitNames: ["db"] });
    expect(await others()).toEqual({ granted: false, waitSeconds: 1, unknown: [] });
    const release = (of: Lease) =>
      fixture.inside((tx) => releaseSlots(tx, { ...of, requestIds: [requestId] }));
    expect(await release({ ...lease, leaseToken: "0".repeat(32) })).toBe(0);
    expect(await release(other.lease)).toBe(0);
    expect(await release(lease)).toBe(1);
    expect(await release(lease)).toBe(0);
    expect(await others()).toMatchObject({ granted: true });
  });

  it("come all or none, and an unknown name limits nothing but is told", async () => {
    const fixture = await aWorkspace(database());
    await aLimit(fixture, "free", { slots: 5 });
    await aLimit(fixture, "full", { slots: 0 });
    const { lease } = await aHeldRun(fixture);
    const both = await acquire(fixture, lease, { limitNames: ["free", "full"] });
    expect(both).toMatchObject({ granted: false });
    expect(await countSlots(fixture)).toBe(0);
    const typo = await acquire(fixture, lease, { limitNames: ["free", "fre"] });
    expect(typo).toEqual({ granted: true, waitSeconds: null, unknown: ["fre"] });
    expect(await countSlots(fixture)).toBe(1);
  });

  it("count whoever names a limit and whoever carries its tag, and one who does both once", async () => {
    const fixture = await aWorkspace(database());
    await aLimit(fixture, "warehouse", { slots: 2, tag: "db" });
    await aLimit(fixture, "disk", { slots: 5, tag: "db" });
    await aLimit(fixture, "db", { slots: 0 });
    const { lease } = await aHeldRun(fixture);
    const granted = { granted: true, waitSeconds: null, unknown: [] };
    const both = { limitNames: ["warehouse"], tags: ["db", "nightly"] };
    expect(await acquire(fixture, lease, both)).toEqual(granted);
    expect(await countSlots(fixture)).toBe(2); // one of each limit that has the tag; none of the one called like it
    expect(await acquire(fixture, lease, { limitNames: ["warehouse"] })).toEqual(granted);
    expect(await acquire(fixture, lease, { tags: ["db"] })).toMatchObject({ granted: false });
    expect(await acquire(fixture, lease, { tags: ["nightly"] })).toEqual(granted);
    expect(await countSlots(fixture)).toBe(3);
  });

  it("are asked for by tags that the lease says are limited, in this workspace", async () => {
    const fixture = await aWorkspace(database());
    const stranger = await aWorkspace(database());
    await aLimit(stranger, "theirs", { tag: "theirs" });
    expect((await aHeldRun(fixture)).lease.limitedTags).toEqual([]);
    for (const [name, tag] of [
      ["a", "db"],
      ["b", "db"],
      ["c", null],
    ] as const)
      await aLimit(fixture, name, { tag });
    expect((await aHeldRun(fixture)).lease.limitedTags).toEqual(["db"]);
  });

  it("spend tokens of a rate, and are told how long to wait for the next", async () => {
    const fixture = await aWorkspace(database());
    await aLimit(fixture, "api", { rate: { perSecond: 0.5, burst: 2 } });
    const { lease } = await aHeldRun(fixture);
    const startMs = Date.now();
    const after = (seconds: number) =>
      acquire(fixture, lease, {
        limitNames: ["api"],
        now: new Date(startMs + seconds * 1000),
      });
    expect(await after(0)).toMatchObject({ granted: true });
    expect(await after(0)).toMatchObject({ granted: true });
    const refused = await after(0.5);
    expect(refused.granted).toBe(false);
    expect(refused.waitSeconds).toBeCloseTo(1.5, 5);
    expect(await after(2)).toMatchObject({ granted: true });
    expect(await after(1)).toMatchObject({ granted: false }); // a clock that jumps back adds nothing
  });

  it("are refused to a run that ended or that another attempt owns", async () => {
    const fixture = await aWorkspace(database());
    await aLimit(fixture, "db", { slots: 5 });
    const { lease } = await aHeldRun(fixture);
    const stale = acquire(fixture, { ...lease, epoch: 0 }, { limitNames: ["db"] });
    await expect(stale).rejects.toMatchObject({ code: "fenced" });
    await moveRuns(fixture, [lease.runId], [["FAILED", "Failed", "failed"]]);
    const late = acquire(fixture, lease, { limitNames: ["db"] });
    await expect(late).rejects.toMatchObject({ code: "fenced" });
    expect(await countSlots(fixture)).toBe(0);
  });

  it.each(["completed", "released", "session ended"] as const)(
    "are free again when the run is over: %s",
    async (how) => {
      const fixture = await aWorkspace(database());
      await aLimit(fixture, "db", { slots: 5 });
      const { lease, sessionId } = await aHeldRun(fixture);
      for (const limitNames of [["db"], ["db"]]) await acquire(fixture, lease, { limitNames });
      expect(await countSlots(fixture)).toBe(2);
      const actor = { kind: "agent", id: fixture.agentId } as const;
      const over = {
        completed: () => moveRuns(fixture, [lease.runId], [["FAILED", "Failed", "failed"]]),
        released: () =>
          fixture.inside((tx) => releaseRuns(tx, { sessionId, runs: [lease], actor })),
        "session ended": () =>
          fixture.inside((tx) =>
            endSessions(tx, { sessionIds: [sessionId], principalId: fixture.agentId, actor }),
          ),
      };
      await over[how]();
      expect(await countSlots(fixture)).toBe(0);
    },
  );

  it("are never more than there are, however many ask together", async () => {
    const fixture = await aWorkspace(database());
    await aLimit(fixture, "db", { slots: 4 });
    const { lease } = await aHeldRun(fixture);
    const asks = Array.from({ length: 20 }, () => acquire(fixture, lease, { limitNames: ["db"] }));
    const answers = await Promise.all(asks);
    expect(answers.filter(({ granted }) => granted)).toHaveLength(4);
    expect(await countSlots(fixture)).toBe(4);
  });

  it("do not outlive a run that ends while they are asked for", async () => {
    const fixture = await aWorkspace(database());
    await aLimit(fixture, "db", { slots: 1000 });
    for (let round = 0; round < 10; round += 1) {
      const { lease } = await aHeldRun(fixture);
      const asks = Array.from({ length: 5 }, () =>
        acquire(fixture, lease, { limitNames: ["db"] }).catch(() => undefined),
      );
      const ends =
        round % 2 === 0
          ? moveRuns(fixture, [lease.runId], [["FAILED", "Failed", "failed"]])
          : complete(fixture, [lease]);
      await Promise.all([...asks, ends]);
      expect(await countSlots(fixture)).toBe(0);
    }
  });

  it("come back with the runs that completed, and stay with those that did not stand as expected", async () => {
    const fixture = await aWorkspace(database());
    await aLimit(fixture, "db", { slots: 2 });
    const [one, other] = [(await aHeldRun(fixture)).lease, (await aHeldRun(fixture)).lease];
    for (const lease of [one, other]) await acquire(fixture, lease, { limitNames: ["db"] });
    await complete(fixture, [one, { ...other, epoch: 2 }]);
    expect(await countSlots(fixture)).toBe(1);
    await complete(fixture, [other]);
    expect(await countSlots(fixture)).toBe(0);
  });
});
