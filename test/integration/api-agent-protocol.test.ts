import { randomUUID } from "node:crypto";
import type { Lease } from "@downbeat/contract";
import { releaseRuns } from "@downbeat/db";
import { describeEachDatabase } from "@downbeat/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  claimWith,
  codeOf,
  fenceOf,
  startTestApi,
  transition,
  type TestApi,
  type TestWorkspace,
} from "./api-harness.ts";
import { aLease, aStage, report } from "./api-stage.ts";

describeEachDatabase("the agent protocol", ({ database }) => {
  let api: TestApi;
  let here: TestWorkspace;

  beforeAll(async () => {
    api = await startTestApi(database());
    here = await api.workspace("here");
  });
  afterAll(() => api.app.close());

  const stateOf = async (runId: string): Promise<string> =>
    (await here.admin.call("readRun", { params: { runId } })).state.name;

  it("takes a run through its life, in one report, and answers a repeated report as before", async () => {
    const stage = await aStage(api, here);
    const { lease } = await aLease(stage);
    const started = transition(lease, "RUNNING");
    const completed = transition(lease, "COMPLETED");
    const chunk = await here.seal({ kind: "log", run: lease.runId, epoch: 1, seq: 0 }, []);
    const log = { kind: "log", ...fenceOf(lease), sequence: 0, lineCount: 1, chunk };
    const end = { kind: "log-manifest", run: lease.runId, epoch: 1, seq: 0 } as const;
    const manifest = await here.seal(end, {});
    const items = [
      started,
      taskRun(lease, 0, "RUNNING"),
      log,
      { kind: "log_manifest", ...fenceOf(lease), part: 0, manifest },
      taskRun(lease, 1, "COMPLETED"),
      completed,
    ];
    expect(await report(stage.agent, ...items)).toEqual(Array(6).fill("accepted"));
    expect(await report(stage.agent, ...items)).toEqual(Array(6).fill("accepted"));
    const { items: states } = await here.admin.call("listRunStates", {
      params: { runId: lease.runId },
    });
    expect(states.map(({ type }) => type)).toEqual([
      "SCHEDULED",
      "PENDING",
      "RUNNING",
      "COMPLETED",
    ]);
    const logs = await here.admin.call("listLogChunks", {
      params: { runId: lease.runId },
      query: {},
    });
    expect(logs.items).toHaveLength(1);
    const manifests = await here.admin.call("listLogManifests", {
      params: { runId: lease.runId },
      query: {},
    });
    expect(manifests).toMatchObject({ items: [{ epoch: 1, part: 0, manifest }], nextAfter: null });
    const tasks = await here.admin.call("listTaskRuns", {
      params: { runId: lease.runId },
      query: {},
    });
    expect(tasks.items).toMatchObject([{ taskName: "read", state: { type: "COMPLETED" } }]);
    const run = await here.admin.call("readRun", { params: { runId: lease.runId } });
    expect(run).toMatchObject({ taskRunCount: 1, agentName: stage.agent.name, why: null });
    expect(run.startedAt).not.toBeNull();
  });

  it.each([
    { how: "as expected", reports: 2 },
    { how: "in one report with its start", reports: 1 },
  ])("keeps that a run has logged nothing when it ends $how", async ({ reports }) => {
    const stage = await aStage(api, here);
    const { lease } = await aLease(stage);
    const { runId } = lease;
    const emptyLog = `${randomUUID()}.${"A".repeat(43)}`;
    const items = [transition(lease, "RUNNING"), { ...transition(lease, "COMPLETED"), emptyLog }];
    for (let at = 0; at < 2; at += 2 / reports)
      expect(new Set(await report(stage.agent, ...items.slice(at, at + 2 / reports)))).toEqual(
        new Set(["accepted"]),
      );
    const call = { params: { runId }, query: {} };
    expect((await here.admin.call("listLogManifests", call)).items).toEqual([
      { epoch: 1, part: 0, manifest: null, emptyLog },
    ]);
  });

  it("lets an agent leave for good: it is listed no more, and what it ran still names it", async () => {
    const stage = await aStage(api, here);
    const other = await api.enrol(here, { poolName: stage.poolName });
    const { lease, sessionId } = await aLease(stage);
    await report(stage.agent, transition(lease, "RUNNING"), transition(lease, "COMPLETED"));
    const listed = async () => {
      const query = { poolName: stage.poolName };
      return (await here.admin.call("listAgents", { query })).items.map(({ name }) => name);
    };
    await stage.agent.caller.call("release", { body: { sessionId, runs: [], endSession: true } });
    expect(await listed()).toEqual([other.name, stage.agent.name]);
    const leave = () =>
      stage.agent.caller.call("release", {
        body: { sessionId, runs: [], endSession: true, leave: true },
      });
    await leave();
    expect(await codeOf(leave())).toBe("credentials_invalid");
    expect(await listed()).toEqual([other.name]);
    const run = await here.admin.call("readRun", { params: { runId: lease.runId } });
    expect(run.agentName).toBe(stage.agent.name);
    // One who is no agent has nothing to leave.
    const body = { sessionId, runs: [], endSession: false, leave: true };
    await here.admin.call("release", { body });
    expect(await listed()).toEqual([other.name]);
  });

  it("answers a long report again as before, however many transitions it holds", async () => {
    const stage = await aStage(api, here);
    const { lease } = await aLease(stage);
    const items = Array.from({ length: 40 }, (_, i) => ({
      ...transition(lease, "RUNNING"),
      name: i % 2 === 0 ? ("Running" as const) : ("Retrying" as const),
    }));
    const all = items.map(() => "accepted");
    expect(await report(stage.agent, ...items)).toEqual(all);
    expect(await report(stage.agent, ...items)).toEqual(all);
  });

  it("lets the newest word on a task run stand, whatever the order", async () => {
    const stage = await aStage(api, here);
    const { lease } = await aLease(stage);
    await report(stage.agent, transition(lease, "RUNNING"), taskRun(lease, 5, "COMPLETED"));
    expect(await report(stage.agent, taskRun(lease, 2, "RUNNING"))).toEqual(["accepted"]);
    const tasks = await here.admin.call("listTaskRuns", {
      params: { runId: lease.runId },
      query: {},
    });
    expect(tasks.items.map(({ state }) => state.type)).toEqual(["COMPLETED"]);
  });

  it("refuses the stale lease of a run that was given back and claimed again", async () => {
    const stage = await aStage(api, here);
    const { lease: stale, sessionId } = await aLease(stage);
    const released = await stage.agent.caller.call("release", {
      body: { sessionId, runs: [fenceOf(stale)] },
    });
    expect(released).toEqual({ released: 1 });
    const [fresh] = (await claimWith(stage.agent)).leases;
    if (fresh === undefined) throw new Error("The run was not claimed again.");
    expect(fresh).toMatchObject({ runId: stale.runId, epoch: 2 });
    const chunk = await here.seal({ kind: "log", run: stale.runId, epoch: 1, seq: 0 }, []);
    const log = { kind: "log", ...fenceOf(stale), sequence: 0, lineCount: 1, chunk };
    expect(await report(stage.agent, transition(stale, "RUNNING"), log)).toEqual([
      "fenced",
      "fenced",
    ]);
    expect(await report(stage.agent, transition(fresh, "RUNNING"))).toEqual(["accepted"]);
    const guessed = { ...fresh, leaseToken: "0".repeat(32) };
    expect(await report(stage.agent, transition(guessed, "COMPLETED"))).toEqual(["fenced"]);
    const beat = { sessionId, tick: 1, runs: [{ runId: stale.runId, epoch: 1 }] };
    expect((await stage.agent.caller.call("heartbeat", { body: beat })).fenced).toEqual([
      stale.runId,
    ]);
  });

  it("accepts one ending, and tells the state that stands to whoever proposes another", async () => {
    const stage = await aStage(api, here);
    const { lease } = await aLease(stage);
    await report(stage.agent, transition(lease, "RUNNING"), transition(lease, "FAILED"));
    const { outcomes } = await stage.agent.caller.call("report", {
      body: { items: [transition(lease, "COMPLETED")] },
    });
    expect(outcomes).toMatchObject([{ status: "rejected", state: { type: "FAILED" } }]);
  });

  it("settles what a restarted agent's earlier session held", async () => {
    const stage = await aStage(api, here);
    const { lease, sessionId } = await aLease(stage);
    await report(stage.agent, transition(lease, "RUNNING"));
    const body = { capacity: 1, version: "test", endedSessionIds: [sessionId] };
    const opened = await stage.agent.caller.call("openSession", { body });
    expect(opened.epoch).toBeGreaterThan(1);
    expect(await stateOf(lease.runId)).toBe("Crashed");
  });

  it("records a run that a script executes itself", async () => {
    const parameters = await here.seal({ kind: "parameters", dep: "nightly" }, {});
    const opened = await here.admin.call("openStandaloneRun", {
      body: { flowName: "nightly", parameters, dataKeys: [here.dataKey.wrapped] },
    });
    const { sessionId, runId, epoch } = opened;
    expect(await stateOf(runId)).toBe("Running");
    const beat = await here.admin.call("heartbeat", {
      body: { sessionId, tick: 1, runs: [{ runId, epoch }] },
    });
    expect(beat).toMatchObject({ cancel: [], fenced: [] });
    const items = [transition(opened as unknown as Lease, "COMPLETED")];
    expect((await here.admin.call("report", { body: { items } })).outcomes).toMatchObject([
      { status: "accepted" },
    ]);
    await here.admin.call("release", { body: { sessionId, runs: [], endSession: true } });
    expect(await stateOf(runId)).toBe("Completed");
    const { items: states } = await here.admin.call("listRunStates", { params: { runId } });
    expect(states.map(({ type }) => type)).toEqual(["SCHEDULED", "RUNNING", "COMPLETED"]);
  });

  it("decides by how runs stand, whatever this process last wrote of them", async () => {
    const stage = await aStage(api, here);
    const [gone, good] = [await aLease(stage), await aLease(stage)];
    // As another process would do it.
    const runs = [fenceOf(gone.lease)];
    const actor = { kind: "agent", id: stage.agent.agentId } as const;
    const release = { sessionId: gone.sessionId, runs, actor };
    await database().inWorkspace(here, (tx) => releaseRuns(tx, release));
    const starts = [transition(gone.lease, "RUNNING"), transition(good.lease, "RUNNING")];
    expect(await report(stage.agent, ...starts)).toEqual(["fenced", "accepted"]);
    expect(await report(stage.agent, ...starts)).toEqual(["fenced", "accepted"]);
    const { runId } = good.lease;
    const start = starts.slice(1);
    const end = transition(good.lease, "COMPLETED");
    // Not written twice, also when both are under way at once.
    const answers = [
      report(stage.agent, end),
      report(stage.agent, end),
      report(stage.agent, ...start),
    ];
    expect((await Promise.all(answers)).flat()).toEqual(["accepted", "accepted", "accepted"]);
    const states = await here.admin.call("listRunStates", { params: { runId } });
    expect(states.items.map(({ type }) => type)).toEqual([
      "SCHEDULED",
      "PENDING",
      "RUNNING",
      "COMPLETED",
    ]);
  });

  it("lets a cancellation stand that came between the start and the end", async () => {
    const stage = await aStage(api, here);
    const { lease } = await aLease(stage);
    expect(await report(stage.agent, transition(lease, "RUNNING"))).toEqual(["accepted"]);
    await here.admin.call("cancelRun", { params: { runId: lease.runId } });
    expect(await report(stage.agent, transition(lease, "RUNNING"))).toEqual(["rejected"]);
    expect(await report(stage.agent, transition(lease, "COMPLETED"))).toEqual(["accepted"]);
    const { items } = await here.admin.call("listRunStates", { params: { runId: lease.runId } });
    expect(items.map(({ type, sequence }) => `${sequence} ${type}`)).toEqual([
      "0 SCHEDULED",
      "1 PENDING",
      "2 RUNNING",
      "3 CANCELLING",
      "4 COMPLETED",
    ]);
  });

  it("keeps reports of many agents apart although they share a transaction", async () => {
    const stage = await aStage(api, here);
    const leases = await Promise.all(Array.from({ length: 12 }, () => aLease(stage)));
    const answers = await Promise.all(
      leases.map(({ lease }, index) => {
        const honest = index % 3 === 0 ? { ...lease, leaseToken: "f".repeat(32) } : lease;
        return report(stage.agent, transition(honest, "RUNNING"), transition(honest, "COMPLETED"));
      }),
    );
    expect(answers.map(([status]) => status)).toEqual(
      leases.map((_, index) => (index % 3 === 0 ? "fenced" : "accepted")),
    );
  });
});

function taskRun(lease: Lease, sequence: number, type: "RUNNING" | "COMPLETED") {
  const at = new Date(Date.UTC(2026, 0, 1, 0, 0, sequence)).toISOString();
  return {
    kind: "task_run",
    ...fenceOf(lease),
    taskRunId: lease.runId,
    taskName: "read",
    index: 0,
    sequence,
    type,
    name: type === "RUNNING" ? "Running" : "Completed",
    at,
    attempt: 1,
    startedAt: at,
    endedAt: type === "RUNNING" ? null : at,
  };
}
