import {
  createRuns,
  enforceStrategies,
  listRunStates,
  markLate,
  readRun,
  sweepSessions,
} from "@downbeat/db";
import { describeEachDatabase } from "@downbeat/testkit";
import { expect, it } from "vitest";
import { aNewRun, aSession, aWorkspace, claim, moveRuns, type Fixture } from "./db-fixture.ts";
import { aLimit, countSlots, deployLimited, runsOf } from "./limits-fixture.ts";

async function stateOf({ inside }: Fixture, runId: string): Promise<string> {
  const run = await inside((tx) => readRun(tx, runId));
  return `${run?.state.name} ${run?.reason}`;
}

describeEachDatabase("what goes beyond a deployment's limit", ({ database }) => {
  it("is cancelled under cancel-new: what is held and then the oldest stay", async () => {
    const fixture = await aWorkspace(database());
    const id = await deployLimited(fixture, "new", {
      concurrency: { limit: 2, strategy: "cancel-new" },
    });
    const enforce = () => fixture.inside((tx) => enforceStrategies(tx, { deploymentIds: [id] }));
    const [first = ""] = await runsOf(fixture, "new", 1);
    expect(await enforce()).toEqual([]);
    const [lease] = await claim(fixture, { sessionId: await aSession(fixture) });
    expect(lease?.runId).toBe(first);
    const [second = "", third = ""] = await runsOf(fixture, "new", 2);
    expect((await enforce()).map(({ runId }) => runId)).toEqual([third]);
    expect(await stateOf(fixture, second)).toBe("Scheduled created");
    expect(await stateOf(fixture, third)).toBe("Cancelled limit_cancelled_new");
    const history = await fixture.inside((tx) => listRunStates(tx, third));
    expect(history.at(-1)).toMatchObject({ type: "CANCELLED", actor: { kind: "engine" } });
    // A slot that becomes free is for the next new run; nothing comes back from the dead.
    await moveRuns(
      fixture,
      [first],
      [
        ["RUNNING", "Running", "started"],
        ["COMPLETED", "Completed", "completed"],
      ],
    );
    const [fourth = ""] = await runsOf(fixture, "new", 1);
    expect(await enforce()).toEqual([]);
    expect(await stateOf(fixture, fourth)).toBe("Scheduled created");
  });

  it("is cancelled under cancel-running: the newest stay, agents are asked to stop the others", async () => {
    const fixture = await aWorkspace(database());
    await deployLimited(fixture, "latest", {
      concurrency: { limit: 1, strategy: "cancel-running" },
    });
    const enforce = () => database().asEngine((tx) => enforceStrategies(tx));
    const [first = ""] = await runsOf(fixture, "latest", 1);
    const sessionId = await aSession(fixture);
    await claim(fixture, { sessionId });
    await moveRuns(fixture, [first], [["RUNNING", "Running", "started"]]);
    const [second = "", third = ""] = await runsOf(fixture, "latest", 2);
    const moved = await enforce();
    expect(new Set(moved.map(({ runId, type }) => `${runId} ${type}`))).toEqual(
      new Set([`${first} CANCELLING`, `${second} CANCELLED`]),
    );
    expect(moved.find(({ runId }) => runId === first)?.sessionId).toBe(sessionId);
    expect(await stateOf(fixture, first)).toBe("Cancelling limit_cancelled_running");
    expect(await claim(fixture, { sessionId })).toEqual([]); // it holds its slot until it has stopped
    expect(await enforce()).toEqual([]);
    await moveRuns(fixture, [first], [["CANCELLED", "Cancelled", "cancelled"]]);
    expect((await claim(fixture, { sessionId })).map(({ runId }) => runId)).toEqual([third]);
  });

  it("leaves alone what is not due, and what may wait", async () => {
    const fixture = await aWorkspace(database());
    const concurrency = { limit: 1, strategy: "cancel-new" } as const;
    await deployLimited(fixture, "new", { concurrency });
    await deployLimited(fixture, "wait", { concurrency: { limit: 1, strategy: "enqueue" } });
    const scheduledFor = new Date(Date.now() + 60_000).toISOString();
    const later = Array.from({ length: 3 }, () => aNewRun({ flowName: "new", scheduledFor }));
    await fixture.inside((tx) => createRuns(tx, later));
    await runsOf(fixture, "wait", 3);
    const enforce = (now: Date) => database().asEngine((tx) => enforceStrategies(tx, { now }));
    const mine = async (now: Date) =>
      (await enforce(now)).filter(({ workspaceId }) => workspaceId === fixture.workspaceId);
    expect(await mine(new Date())).toEqual([]);
    expect(await mine(new Date(Date.now() + 61_000))).toHaveLength(2);
  });

  it("is named AwaitingConcurrencySlot once when it waits, and never Late as well", async () => {
    const fixture = await aWorkspace(database());
    await aLimit(fixture, "db", { slots: 0 });
    await deployLimited(fixture, "wait", { limitNames: ["db"] });
    const [waiting = ""] = await runsOf(fixture, "wait", 1);
    const [free = ""] = await runsOf(fixture, "etl", 1);
    const named = async (seconds: number) => {
      const now = new Date(Date.now() + seconds * 1000);
      const moved = await database().asEngine((tx) => markLate(tx, { lateAfterSeconds: 15, now }));
      return moved.flatMap((run) =>
        run.workspaceId === fixture.workspaceId ? [[run.runId, run.name]] : [],
      );
    };
    expect(await named(1)).toEqual([[waiting, "AwaitingConcurrencySlot"]]);
    expect(await named(20)).toEqual([[free, "Late"]]);
    expect(await named(40)).toEqual([]);
    expect(await stateOf(fixture, waiting)).toBe("AwaitingConcurrencySlot awaiting_slot");
    await aLimit(fixture, "db", { slots: 1 });
    expect(await claim(fixture, { sessionId: await aSession(fixture) })).toHaveLength(2);
  });

  it("gets the slots of a session that died, when the sweep has settled its runs", async () => {
    const fixture = await aWorkspace(database());
    await aLimit(fixture, "db", { slots: 2 });
    await deployLimited(fixture, "load", { limitNames: ["db"] });
    const runIds = await runsOf(fixture, "load", 4);
    const dying = await aSession(fixture, 10, 45);
    const leases = await claim(fixture, { sessionId: dying });
    expect(leases).toHaveLength(2);
    await moveRuns(fixture, [leases[0]?.runId ?? ""], [["RUNNING", "Running", "started"]]);
    const sweep = (seconds: number) =>
      database().asEngine((tx) =>
        sweepSessions(tx, {
          reconnectWindowSeconds: 300,
          cancelDeadlineSeconds: 60,
          now: new Date(Date.now() + seconds * 1000),
        }),
      );
    await sweep(60); // the unstarted one goes back; the other's agent may still return
    expect(await countSlots(fixture)).toBe(1);
    await sweep(400);
    expect(await countSlots(fixture)).toBe(0);
    expect(await stateOf(fixture, leases[0]?.runId ?? "")).toBe("Crashed agent_lost");
    const rest = await claim(fixture, { sessionId: await aSession(fixture) });
    expect(rest).toHaveLength(2);
    expect(runIds).toEqual(expect.arrayContaining(rest.map(({ runId }) => runId)));
  });
});
