import type { BulkRequest } from "@downbeat/contract";
import { describeEachDatabase } from "@downbeat/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  claimWith,
  codeOf,
  fenceOf,
  startTestApi,
  transition,
  type TestApi,
} from "./api-harness.ts";
import type { TestWorkspace } from "./api-harness.ts";
import { aLease, aStage, claim, isHeld, report, type Stage } from "./api-stage.ts";

describeEachDatabase("what people do to runs", ({ database }) => {
  let api: TestApi;
  let here: TestWorkspace;

  beforeAll(async () => {
    api = await startTestApi(database());
    here = await api.workspace("here");
  });
  afterAll(() => api.app.close());

  const readRun = (runId: string) => here.admin.call("readRun", { params: { runId } });
  const stateOf = async (runId: string) => (await readRun(runId)).state.type;
  const bulk = (body: BulkRequest | object) =>
    here.admin.call("bulkRuns", { body: body as BulkRequest });

  async function callerOf(role: "runner" | "developer") {
    const { text } = await here.admin.call("createApiKey", { body: { name: role, role } });
    return api.withToken(await api.tokenOf(text));
  }

  it("declares a running run ended in the operator's name: its lease is void, its agent hears at once", async () => {
    const stage = await aStage(api, here);
    const { lease, sessionId } = await aLease(stage);
    await report(stage.agent, transition(lease, "RUNNING"));
    const { runId } = lease;
    const held = claim(stage.agent, sessionId, { waitSeconds: 20 });
    expect(await isHeld(held)).toBe(true);
    const body = { type: "FAILED" } as const;
    const run = await here.admin.call("setRunState", { params: { runId }, body });
    expect(run).toMatchObject({ state: { type: "FAILED" }, reason: "operator_set" });
    expect((await held).leases).toEqual([]);
    const runs = [{ runId, epoch: lease.epoch }];
    const beat = await stage.agent.caller.call("heartbeat", {
      body: { sessionId, tick: 1, runs },
    });
    expect(beat.fenced).toEqual([runId]);
    expect(await report(stage.agent, transition(lease, "COMPLETED"))).toEqual(["rejected"]);
    const { items } = await here.admin.call("listRunStates", { params: { runId } });
    expect(items.at(-1)).toMatchObject({ reason: "operator_set", actor: { kind: "api-key" } });
  });

  it("takes an operator's word in every live state, and never on an ended run", async () => {
    const stage = await aStage(api, here);
    const waiting = await stage.trigger();
    for (const [type, expected] of [
      ["COMPLETED", "none"],
      ["FAILED", "transition_rejected"],
    ] as const) {
      const set = here.admin.call("setRunState", {
        params: { runId: waiting },
        body: { type },
      });
      expect(await codeOf(set)).toBe(expected);
    }
    expect(await stateOf(waiting)).toBe("COMPLETED");
    const { lease } = await aLease(stage);
    await report(stage.agent, transition(lease, "RUNNING"));
    await here.admin.call("cancelRun", { params: { runId: lease.runId } });
    await here.admin.call("setRunState", {
      params: { runId: lease.runId },
      body: { type: "CRASHED" },
    });
    expect(await stateOf(lease.runId)).toBe("CRASHED");
  });

  it("leaves overriding and deleting to developers", async () => {
    const stage = await aStage(api, here);
    const runId = await stage.trigger();
    const runner = await callerOf("runner");
    const body = { type: "FAILED" } as const;
    expect(await codeOf(runner.call("setRunState", { params: { runId }, body }))).toBe(
      "role_insufficient",
    );
    expect(await codeOf(runner.call("deleteRun", { params: { runId } }))).toBe("role_insufficient");
    const filter = { flowName: stage.flowName };
    const deletion = runner.call("bulkRuns", { body: { action: "delete", filter } });
    expect(await codeOf(deletion)).toBe("role_insufficient");
    const cancelled = await runner.call("bulkRuns", { body: { action: "cancel", filter } });
    expect(cancelled).toEqual({ matched: 1, done: 1, nextCursor: null });
  });

  it("deletes an ended run with all that belongs to it, and no live one", async () => {
    const stage = await aStage(api, here);
    const { lease } = await aLease(stage);
    const { runId } = lease;
    const remove = () => here.admin.call("deleteRun", { params: { runId } });
    expect(await codeOf(remove())).toBe("transition_rejected");
    const place = { kind: "log-manifest", run: runId, epoch: lease.epoch, seq: 0 } as const;
    const manifest = await here.seal(place, {});
    await report(
      stage.agent,
      transition(lease, "RUNNING"),
      { kind: "log_manifest", ...fenceOf(lease), part: 0, manifest },
      transition(lease, "COMPLETED"),
    );
    expect(await remove()).toEqual({ deleted: true });
    expect(await codeOf(readRun(runId))).toBe("not_found");
    expect(await codeOf(here.admin.call("retryRun", { params: { runId } }))).toBe("not_found");
    const left = await database().inWorkspace(here, async (tx) => [
      await tx.prisma.runState.count({ where: { runId } }),
      await tx.prisma.taskRun.count({ where: { runId } }),
      await tx.prisma.logChunk.count({ where: { runId } }),
      await tx.prisma.logManifest.count({ where: { runId } }),
    ]);
    expect(left).toEqual([0, 0, 0, 0]);
  });

  it("counts before it acts, acts only on what was counted, and goes on from a cursor", async () => {
    const stage = await aStage(api, here);
    const runIds = await Promise.all(Array.from({ length: 5 }, () => stage.trigger()));
    const filter = { flowName: stage.flowName };
    const cancel = { action: "cancel", filter };
    expect(await bulk({ ...cancel, dryRun: true })).toEqual({
      matched: 5,
      done: 0,
      nextCursor: null,
    });
    expect(await codeOf(bulk({ ...cancel, expectedCount: 4 }))).toBe("conflict");
    expect(await Promise.all(runIds.map(stateOf))).toEqual(Array(5).fill("SCHEDULED"));
    const first = await bulk({ ...cancel, limit: 3, expectedCount: 5 });
    expect(first).toMatchObject({ matched: 5, done: 3 });
    const second = await bulk({ ...cancel, limit: 3, cursor: first.nextCursor });
    expect(second).toEqual({ matched: 2, done: 2, nextCursor: null });
    expect(await bulk({ action: "retry", filter })).toMatchObject({ matched: 5, done: 5 });
    expect(await bulk({ action: "delete", filter })).toMatchObject({ matched: 0, done: 0 });
    await bulk(cancel);
    const filtered = { ...filter, stateType: ["CANCELLED", "RUNNING"] };
    expect(await bulk({ action: "delete", filter: filtered })).toMatchObject({ done: 5 });
    expect(await codeOf(readRun(runIds[0] ?? ""))).toBe("not_found");
  });

  it("runs nothing completed again by filter unless it is asked to", async () => {
    const stage = await aStage(api, here);
    const { lease } = await aLease(stage);
    await report(stage.agent, transition(lease, "RUNNING"), transition(lease, "COMPLETED"));
    const filter = { flowName: stage.flowName };
    expect(await bulk({ action: "retry", filter })).toMatchObject({ matched: 0, done: 0 });
    const completed = { ...filter, stateType: ["COMPLETED"] };
    expect(await bulk({ action: "retry", filter: completed })).toMatchObject({ done: 1 });
  });

  async function aFamily(stage: Stage) {
    const parentRunId = await stage.trigger();
    const { sessionId, leases } = await claimWith(stage.agent, 1);
    const child = (parent: string) =>
      here.admin.call("createRun", { body: { flowName: stage.flowName, parentRunId: parent } });
    const running = await child(parentRunId);
    const [lease] = (await claim(stage.agent, sessionId)).leases;
    const grandchild = await child(running.id);
    if (leases[0] === undefined || lease === undefined) throw new Error("Nothing was claimed.");
    await report(stage.agent, transition(leases[0], "RUNNING"), transition(lease, "RUNNING"));
    return { parentRunId, running, grandchild, lease };
  }

  it("cancels with a run the runs it triggered, and theirs", async () => {
    const stage = await aStage(api, here);
    const { parentRunId, running, grandchild } = await aFamily(stage);
    expect(running.parentRunId).toBe(parentRunId);
    await here.admin.call("cancelRun", { params: { runId: parentRunId } });
    expect(await stateOf(parentRunId)).toBe("CANCELLING");
    expect(await readRun(running.id)).toMatchObject({
      state: { type: "CANCELLING" },
      reason: "parent_cancelled",
    });
    expect(await readRun(grandchild.id)).toMatchObject({
      state: { type: "CANCELLED" },
      reason: "parent_cancelled",
    });
  });

  it("leaves the parent alone when a child is cancelled, and the children of a parent that ended", async () => {
    const stage = await aStage(api, here);
    const { parentRunId, running, grandchild, lease } = await aFamily(stage);
    await report(stage.agent, transition(lease, "COMPLETED"));
    await here.admin.call("cancelRun", { params: { runId: running.id } });
    expect(await stateOf(grandchild.id)).toBe("SCHEDULED");
    await here.admin.call("cancelRun", { params: { runId: grandchild.id } });
    expect(await stateOf(parentRunId)).toBe("RUNNING");
  });

  it("hands the deployment's time limit to the agent", async () => {
    const stage = await aStage(api, here);
    const { flowName, poolName } = stage;
    const dep = `${flowName}/default`;
    const entrypoint = await here.seal({ kind: "entrypoint", dep }, { path: "a.ts", export: "a" });
    const spec = { flowName, poolName, contentHash: "0".repeat(64), entrypoint };
    await here.admin.call("deploy", { body: { deployments: [{ ...spec, timeoutSeconds: 90 }] } });
    expect((await aLease(stage)).lease.timeoutSeconds).toBe(90);
    await here.admin.call("deploy", { body: { deployments: [spec] } });
    expect((await aLease(stage)).lease.timeoutSeconds).toBeNull();
  });
});
