import { randomUUID } from "node:crypto";
import type { Lease, RetryPolicy } from "@downbeat/contract";
import { describeEachDatabase } from "@downbeat/testkit";
import { endSessions, sweepSessions } from "@downbeat/db";
import { afterAll, beforeAll, expect, it } from "vitest";
import { claimWith, fenceOf, startTestApi, transition } from "./api-harness.ts";
import type { TestApi, TestWorkspace } from "./api-harness.ts";
import { aStage, report, type Stage } from "./api-stage.ts";

const WINDOWS = { reconnectWindowSeconds: 300, cancelDeadlineSeconds: 60 };

describeEachDatabase("retries of runs", ({ database }) => {
  let api: TestApi;
  let here: TestWorkspace;

  beforeAll(async () => {
    api = await startTestApi(database());
    here = await api.workspace("here");
  });
  afterAll(() => api.app.close());

  async function aStageWith(retry: Partial<RetryPolicy>): Promise<Stage> {
    const stage = await aStage(api, here);
    const { flowName, poolName } = stage;
    const entrypoint = await here.seal(
      { kind: "entrypoint", dep: `${flowName}/default` },
      { path: "a.ts", export: "a" },
    );
    const policy = { delaySeconds: 0, jitter: 0, ...retry };
    const spec = { flowName, poolName, contentHash: "0".repeat(64), entrypoint, retry: policy };
    await here.admin.call("deploy", { body: { deployments: [spec] } });
    return stage;
  }

  async function claimOne(stage: Stage): Promise<Lease & { sessionId: string }> {
    const { sessionId, leases } = await claimWith(stage.agent, 1);
    if (leases[0] === undefined) throw new Error("Nothing was claimed.");
    return { ...leases[0], sessionId };
  }

  const crashed = (lease: Lease, transitionId: string = randomUUID()) => ({
    ...transition(lease, "FAILED", transitionId),
    type: "CRASHED",
    name: "Crashed",
    reason: "process_killed",
    error: {
      class: "ProcessKilled",
      exitCode: null,
      signal: "SIGKILL",
      fingerprint: null,
      detail: null,
    },
  });
  const readRun = (runId: string) => here.admin.call("readRun", { params: { runId } });
  const history = async (runId: string) => {
    const { items } = await here.admin.call("listRunStates", { params: { runId } });
    return items;
  };

  it("says how the last attempt ended while a run waits for the next", async () => {
    const stage = await aStageWith({ retriesOnFailure: 1, delaySeconds: 60 });
    const runId = await stage.trigger();
    const first = await claimOne(stage);
    await report(stage.agent, transition(first, "RUNNING"), transition(first, "FAILED"));
    expect(await here.admin.call("readWhy", { params: { runId } })).toMatchObject({
      code: "awaiting_retry",
      words: expect.stringMatching(
        /^Waits for its next attempt, at \S+Z\. The last one ended: The flow threw an error\.$/,
      ),
      details: { cause: "failed" },
    });
  });

  it("runs a crashed run again with the next epoch, and completes it", async () => {
    const stage = await aStageWith({ retriesOnCrash: 1 });
    const runId = await stage.trigger();
    expect((await readRun(runId)).retriesLeft).toEqual({ onCrash: 1, onFailure: 0 });
    const first = await claimOne(stage);
    const end = crashed(first);
    expect(await report(stage.agent, transition(first, "RUNNING"), end)).toEqual([
      "accepted",
      "accepted",
    ]);
    expect(await readRun(runId)).toMatchObject({
      state: { type: "SCHEDULED", name: "AwaitingRetry" },
      reason: "retry_scheduled",
      retriesLeft: { onCrash: 0, onFailure: 0 },
      endedAt: null,
    });
    expect(await report(stage.agent, end, transition(first, "RUNNING"))).toEqual([
      "accepted",
      "fenced",
    ]);
    const second = await claimOne(stage);
    expect(second).toMatchObject({ runId, epoch: 2 });
    expect(await report(stage.agent, transition(first, "COMPLETED"))).toEqual(["fenced"]);
    await report(stage.agent, transition(second, "RUNNING"), transition(second, "COMPLETED"));
    expect((await readRun(runId)).state.type).toBe("COMPLETED");
    expect((await history(runId)).map(({ name, epoch }) => `${name} ${epoch}`)).toEqual([
      "Scheduled 0",
      "Pending 1",
      "Running 1",
      "AwaitingRetry 1",
      "Pending 2",
      "Running 2",
      "Completed 2",
    ]);
    expect((await history(runId))[3]).toMatchObject({
      reason: "retry_scheduled",
      cause: "process_killed",
      error: { class: "ProcessKilled", signal: "SIGKILL" },
      actor: { kind: "agent", id: stage.agent.agentId },
    });
  });

  it("ends a run whose budget is spent; crashes and failures have one each", async () => {
    const stage = await aStageWith({ retriesOnCrash: 1, retriesOnFailure: 1 });
    const runId = await stage.trigger();
    const ends = [crashed, (lease: Lease) => transition(lease, "FAILED"), crashed];
    for (const end of ends) {
      const lease = await claimOne(stage);
      await report(stage.agent, transition(lease, "RUNNING"), end(lease));
    }
    expect(await readRun(runId)).toMatchObject({
      state: { type: "CRASHED" },
      epoch: 3,
      reason: "process_killed",
      retriesLeft: { onCrash: 0, onFailure: 0 },
    });
  });

  it("holds the next attempt back for the wait of the policy", async () => {
    const stage = await aStageWith({ retriesOnFailure: 1, delaySeconds: 300 });
    const runId = await stage.trigger();
    const lease = await claimOne(stage);
    await report(stage.agent, transition(lease, "RUNNING"), transition(lease, "FAILED"));
    expect((await claimWith(stage.agent, 1)).leases).toEqual([]);
    const run = await readRun(runId);
    const waitMs = Date.parse(run.scheduledFor) - Date.parse(run.state.at);
    expect(waitMs).toBeGreaterThan(290_000);
    expect(waitMs).toBeLessThan(310_000);
  });

  it("retries what a lost agent and a restarted one leave behind", async () => {
    const stage = await aStageWith({ retriesOnCrash: 2 });
    const runId = await stage.trigger();
    const lost = await claimOne(stage);
    await report(stage.agent, transition(lost, "RUNNING"));
    const later = new Date(Date.now() + 3_600_000);
    await database().asEngine((tx) => sweepSessions(tx, { ...WINDOWS, now: later }));
    expect(await history(runId)).toContainEqual(
      expect.objectContaining({ name: "AwaitingRetry", cause: "agent_lost" }),
    );
    await here.admin.call("retryRun", { params: { runId } }).then(
      () => expect.unreachable(),
      (error: unknown) => expect(error).toMatchObject({ code: "transition_rejected" }),
    );
    await database().inWorkspace(
      here,
      (tx) =>
        // The sweep was told of a time to come; the wait it began is cut short here.
        tx.prisma
          .$executeRaw`update live_run set scheduled_for = now() where run_id = ${runId}::uuid`,
    );
    const restarted = await claimOne(stage);
    expect(restarted).toMatchObject({ runId, epoch: 2 });
    await report(stage.agent, transition(restarted, "RUNNING"));
    const actor = { kind: "agent" as const, id: stage.agent.agentId };
    await database().inWorkspace(here, (tx) =>
      endSessions(tx, {
        sessionIds: [restarted.sessionId],
        principalId: stage.agent.agentId,
        actor,
      }),
    );
    expect((await history(runId)).at(-1)).toMatchObject({
      name: "AwaitingRetry",
      cause: "agent_restarted",
    });
    expect(await claimOne(stage)).toMatchObject({ runId, epoch: 3 });
  });

  it("closes the task runs of an attempt that ended, and of a run that was cancelled", async () => {
    const stage = await aStageWith({ retriesOnCrash: 1 });
    const runId = await stage.trigger();
    const lease = await claimOne(stage);
    const taskRun = {
      kind: "task_run",
      ...fenceOf(lease),
      taskRunId: randomUUID(),
      taskName: "read",
      index: 0,
      sequence: 0,
      type: "RUNNING",
      name: "Running",
      at: new Date().toISOString(),
      attempt: 1,
      startedAt: new Date().toISOString(),
      endedAt: null,
    };
    await report(stage.agent, transition(lease, "RUNNING"), taskRun);
    const tasks = async () => {
      const { items } = await here.admin.call("listTaskRuns", { params: { runId }, query: {} });
      return items.map(({ state }) => state.type);
    };
    expect(await tasks()).toEqual(["RUNNING"]);
    await report(stage.agent, crashed(lease));
    expect(await tasks()).toEqual(["CRASHED"]);
    await here.admin.call("cancelRun", { params: { runId } });
    expect(await tasks()).toEqual(["CANCELLED"]);
    expect((await readRun(runId)).reason).toBe("cancelled_while_waiting");
  });

  it("runs an ended run again beyond its budget, with a rising epoch and its policy in full", async () => {
    const stage = await aStageWith({ retriesOnFailure: 1 });
    const runId = await stage.trigger();
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const lease = await claimOne(stage);
      await report(stage.agent, transition(lease, "RUNNING"), transition(lease, "FAILED"));
    }
    expect((await readRun(runId)).state.type).toBe("FAILED");
    const again = await here.admin.call("retryRun", { params: { runId } });
    expect(again).toMatchObject({
      state: { type: "SCHEDULED" },
      reason: "retry_requested",
      epoch: 2,
      endedAt: null,
      error: null,
      retriesLeft: { onFailure: 1 },
    });
    const [last] = (await history(runId)).slice(-1);
    expect(last).toMatchObject({ reason: "retry_requested", actor: { kind: "api-key" } });
    const third = await claimOne(stage);
    expect(third).toMatchObject({ runId, epoch: 3 });
    await report(stage.agent, transition(third, "RUNNING"), transition(third, "COMPLETED"));
    expect((await readRun(runId)).state.type).toBe("COMPLETED");
  });

  it("runs a cancelled run again, and cancels that again", async () => {
    const stage = await aStageWith({});
    const runId = await stage.trigger();
    await here.admin.call("cancelRun", { params: { runId } });
    await here.admin.call("retryRun", { params: { runId } });
    await here.admin.call("cancelRun", { params: { runId } });
    expect((await readRun(runId)).state.type).toBe("CANCELLED");
    expect((await history(runId)).map(({ reason }) => reason)).toEqual([
      "created",
      "cancelled_before_start",
      "retry_requested",
      "cancelled_before_start",
    ]);
  });

  it("lets one of two concurrent retries through", async () => {
    const stage = await aStageWith({});
    const runId = await stage.trigger();
    await here.admin.call("cancelRun", { params: { runId } });
    const asked = [1, 2, 3].map(() => here.admin.call("retryRun", { params: { runId } }));
    const settled = await Promise.allSettled(asked);
    expect(settled.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });
});
