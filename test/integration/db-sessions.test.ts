import { randomUUID } from "node:crypto";
import {
  createApiKey,
  createStandaloneRun,
  endSessions,
  ensureFlow,
  heartbeat,
  listAgents,
  listRunStates,
  openSession,
  readPoolByName,
  readRun,
  releaseRuns,
  sweepSessions,
  upsertDeployments,
} from "@downbeat/db";
import { describeEachDatabase } from "@downbeat/testkit";
import { expect, it } from "vitest";
import {
  aDeployment,
  aSession,
  aWorkspace,
  claim,
  type Fixture,
  moveRuns,
  someRuns,
} from "./db-fixture.ts";

const leaseSeconds = 45;
const sweep = { reconnectWindowSeconds: 300, cancelDeadlineSeconds: 60 };

describeEachDatabase("sessions", ({ database }) => {
  const later = (seconds: number) => new Date(Date.now() + seconds * 1000);
  const sweepAt = async (fixture: Fixture, now: Date) =>
    (await database().asEngine((tx) => sweepSessions(tx, { ...sweep, now })))
      .filter(({ workspaceId }) => workspaceId === fixture.workspaceId)
      .map(({ runId, type, name, reason }) => ({ runId, type, name, reason }));
  const beat = (fixture: Fixture, sessionId: string, tick: number, now: Date | null = null) =>
    fixture.inside((tx) =>
      heartbeat(tx, [{ sessionId, principalId: fixture.agentId, tick }], { leaseSeconds, now }),
    );

  it("get a higher epoch each time their agent opens one", async () => {
    const fixture = await aWorkspace(database());
    const open = () =>
      fixture.inside((tx) =>
        openSession(tx, {
          owner: { agentId: fixture.agentId },
          poolId: fixture.poolId,
          capacity: 1,
          leaseSeconds,
        }),
      );
    const epochs = (await Promise.all([open(), open(), open()])).map(({ epoch }) => epoch);
    expect(new Set(epochs)).toEqual(new Set([1, 2, 3]));
  });

  it("hear from a beat which runs they own and which to cancel", async () => {
    const fixture = await aWorkspace(database());
    const ids = await someRuns(fixture, 2);
    const sessionId = await aSession(fixture);
    await claim(fixture, { sessionId });
    await moveRuns(fixture, [ids[1] ?? ""], [["CANCELLING", "Cancelling", "cancel_requested"]]);
    const [first, second] = await fixture.inside((tx) =>
      heartbeat(
        tx,
        [
          { sessionId, principalId: fixture.agentId, tick: 1 },
          { sessionId: randomUUID(), principalId: fixture.agentId, tick: 1 },
        ],
        { leaseSeconds },
      ),
    );
    expect(first).toMatchObject({ sessionId, open: true, cancel: [ids[1]] });
    expect(first?.ownedRuns.map(({ runId, epoch }) => [runId, epoch])).toEqual(
      ids.map((id) => [id, 1]),
    );
    expect(second).toMatchObject({ open: false, ownedRuns: [], cancel: [] });
  });

  it("are not renewed by a beat without progress, nor by someone else's", async () => {
    const fixture = await aWorkspace(database());
    const [runId = ""] = await someRuns(fixture, 1);
    const sessionId = await aSession(fixture);
    await claim(fixture, { sessionId });
    await moveRuns(fixture, [runId], [["RUNNING", "Running", "started"]]);
    await beat(fixture, sessionId, 1);
    await beat(fixture, sessionId, 1, later(40));
    await fixture.inside((tx) =>
      heartbeat(tx, [{ sessionId, principalId: randomUUID(), tick: 9 }], {
        leaseSeconds,
        now: later(40),
      }),
    );
    expect(await sweepAt(fixture, later(50))).toEqual([
      { runId, type: "RUNNING", name: "Unreachable", reason: "unreachable" },
    ]);
  });

  it("have no window to come back in with an exclusive flow", async () => {
    const fixture = await aWorkspace(database());
    const [deployment] = await fixture.inside((tx) =>
      upsertDeployments(tx, [{ ...aDeployment(), exclusive: true }]),
    );
    expect(deployment).toMatchObject({ exclusive: true });
    const [runId = ""] = await someRuns(fixture, 1);
    expect(await claim(fixture, { sessionId: await aSession(fixture) })).toMatchObject([
      { runId, exclusive: true },
    ]);
    await moveRuns(fixture, [runId], [["RUNNING", "Running", "started"]]);
    expect(await sweepAt(fixture, later(44))).toEqual([]);
    expect(await sweepAt(fixture, later(46))).toEqual([
      { runId, type: "CRASHED", name: "Crashed", reason: "agent_lost" },
    ]);
  });

  it("show a lapse, a return, and a loss, each once and with its history", async () => {
    const fixture = await aWorkspace(database());
    const [runId = ""] = await someRuns(fixture, 1);
    const sessionId = await aSession(fixture);
    await claim(fixture, { sessionId });
    await moveRuns(fixture, [runId], [["RUNNING", "Running", "started"]]);
    expect(await sweepAt(fixture, later(44))).toEqual([]);
    expect(await sweepAt(fixture, later(46))).toMatchObject([{ runId, name: "Unreachable" }]);
    expect(await sweepAt(fixture, later(47))).toEqual([]);
    await beat(fixture, sessionId, 1, later(100));
    expect(await sweepAt(fixture, later(101))).toMatchObject([
      { name: "Running", reason: "reconnected" },
    ]);
    expect(await sweepAt(fixture, later(150))).toMatchObject([{ name: "Unreachable" }]);
    expect(await sweepAt(fixture, later(100 + 45 + 301))).toEqual([
      { runId, type: "CRASHED", name: "Crashed", reason: "agent_lost" },
    ]);
    const run = await fixture.inside((tx) => readRun(tx, runId));
    expect(run).toMatchObject({
      state: { type: "CRASHED" },
      error: { class: "AgentLost" },
      agentId: fixture.agentId,
    });
    const history = await fixture.inside((tx) => listRunStates(tx, runId));
    expect(history.map(({ name }) => name)).toEqual([
      "Scheduled",
      "Pending",
      "Running",
      "Unreachable",
      "Running",
      "Unreachable",
      "Crashed",
    ]);
    expect(history.at(-1)?.actor).toEqual({ kind: "engine", id: null });
  });

  it("give unstarted runs back when they lapse, to be taken under a higher epoch", async () => {
    const fixture = await aWorkspace(database());
    const [runId = ""] = await someRuns(fixture, 1);
    const [lease] = await claim(fixture, { sessionId: await aSession(fixture) });
    expect(await sweepAt(fixture, later(46))).toMatchObject([
      { runId, type: "SCHEDULED", reason: "unreachable" },
    ]);
    const [again] = await claim(fixture, { sessionId: await aSession(fixture) });
    expect(again).toMatchObject({ runId, epoch: (lease?.epoch ?? 0) + 1 });
    expect(again?.leaseToken).not.toBe(lease?.leaseToken);
  });

  it("lose a cancellation they do not confirm in time", async () => {
    const fixture = await aWorkspace(database());
    const [runId = ""] = await someRuns(fixture, 1);
    const sessionId = await aSession(fixture);
    await claim(fixture, { sessionId });
    await moveRuns(fixture, [runId], [["CANCELLING", "Cancelling", "cancel_requested"]]);
    await beat(fixture, sessionId, 1, later(30));
    expect(await sweepAt(fixture, later(59))).toEqual([]);
    expect(await sweepAt(fixture, later(61))).toMatchObject([
      { runId, type: "CANCELLED", reason: "cancel_deadline" },
    ]);
  });

  it("give back what they release and keep what has started", async () => {
    const fixture = await aWorkspace(database());
    await someRuns(fixture, 3);
    const sessionId = await aSession(fixture);
    const leases = await claim(fixture, { sessionId });
    await moveRuns(fixture, [leases[0]?.runId ?? ""], [["RUNNING", "Running", "started"]]);
    const wrong = {
      ...leases[2],
      runId: leases[2]?.runId ?? "",
      epoch: 1,
      leaseToken: "0".repeat(32),
    };
    const released = await fixture.inside((tx) =>
      releaseRuns(tx, {
        sessionId,
        runs: [...leases.slice(0, 2), wrong],
        actor: { kind: "agent", id: fixture.agentId },
      }),
    );
    expect(released).toMatchObject([
      { runId: leases[1]?.runId, type: "SCHEDULED", reason: "released", poolId: fixture.poolId },
    ]);
  });

  it("settle what they hold when their agent says they are over", async () => {
    const fixture = await aWorkspace(database());
    const ids = await someRuns(fixture, 3);
    const sessionId = await aSession(fixture);
    await claim(fixture, { sessionId });
    await moveRuns(fixture, [ids[1] ?? ""], [["RUNNING", "Running", "started"]]);
    await moveRuns(fixture, [ids[2] ?? ""], [["CANCELLING", "Cancelling", "cancel_requested"]]);
    const end = (principalId: string) =>
      fixture.inside((tx) =>
        endSessions(tx, {
          sessionIds: [sessionId],
          principalId,
          actor: { kind: "agent", id: fixture.agentId },
        }),
      );
    expect(await end(randomUUID())).toEqual([]);
    const moved = await end(fixture.agentId);
    expect(new Map(moved.map(({ runId, type }) => [runId, type]))).toEqual(
      new Map([
        [ids[0], "SCHEDULED"],
        [ids[1], "CRASHED"],
        [ids[2], "CANCELLED"],
      ]),
    );
    expect(await end(fixture.agentId)).toEqual([]);
    expect((await beat(fixture, sessionId, 5))[0]?.open).toBe(false);
    await expect(claim(fixture, { sessionId })).rejects.toMatchObject({ code: "session_ended" });
  });

  it("of a standalone script hold one running run from the start", async () => {
    const fixture = await aWorkspace(database());
    const { apiKeyId, sessionId, lease } = await fixture.inside(async (tx) => {
      const key = await createApiKey(tx, {
        name: "script",
        role: "runner",
        secretHash: new Uint8Array(32),
      });
      const session = await openSession(tx, {
        owner: { apiKeyId: key.id },
        poolId: null,
        capacity: 1,
        leaseSeconds,
      });
      const flow = await ensureFlow(tx, "script");
      const createdBy = { kind: "api-key" as const, id: key.id };
      const run = {
        sessionId: session.sessionId,
        flowId: flow.id,
        parameters: null,
        tags: ["cron"],
        createdBy,
      };
      return {
        apiKeyId: key.id,
        sessionId: session.sessionId,
        lease: await createStandaloneRun(tx, run),
      };
    });
    const [answer] = await fixture.inside((tx) =>
      heartbeat(tx, [{ sessionId, principalId: apiKeyId, tick: 1 }], { leaseSeconds }),
    );
    expect(answer).toMatchObject({
      open: true,
      ownedRuns: [{ runId: lease.runId, epoch: 1, stateType: "RUNNING" }],
    });
    const run = await fixture.inside((tx) => readRun(tx, lease.runId));
    expect(run).toMatchObject({
      flowName: "script",
      deploymentId: null,
      poolName: null,
      state: { type: "RUNNING" },
    });
    expect(await sweepAt(fixture, later(400))).toMatchObject([
      { runId: lease.runId, type: "CRASHED" },
    ]);
  });

  it("count as online agents while their lease stands", async () => {
    const fixture = await aWorkspace(database());
    await someRuns(fixture, 2);
    expect((await fixture.inside((tx) => listAgents(tx, { limit: 5 }))).items).toMatchObject([
      { name: "agent-1", online: false, activeRuns: 0, lastSeenAt: null },
    ]);
    await claim(fixture, { sessionId: await aSession(fixture, 7), max: 1 });
    expect(
      (await fixture.inside((tx) => listAgents(tx, { limit: 5, poolName: "default" }))).items,
    ).toMatchObject([{ online: true, activeRuns: 1, capacity: 7, poolName: "default" }]);
    expect(await fixture.inside((tx) => readPoolByName(tx, "default"))).toMatchObject({
      onlineAgents: 1,
    });
  });
});
