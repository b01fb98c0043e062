import { randomUUID } from "node:crypto";
import type { Caller } from "@downbeat/client/caller";
import type { Rate } from "@downbeat/contract";
import { describeEachDatabase, waitFor } from "@downbeat/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  fenceOf,
  startTestApi,
  transition,
  type TestApi,
  type TestWorkspace,
} from "./api-harness.ts";
import { aStage, claim, isHeld, openSession, report, type Stage } from "./api-stage.ts";

describeEachDatabase("limits over the API", ({ database }) => {
  let api: TestApi;
  let workspace: TestWorkspace;
  let admin: Caller;

  beforeAll(async () => {
    api = await startTestApi(database(), { environment: { DOWNBEAT_SWEEP_SECONDS: "1" } });
    workspace = await api.workspace("limits");
    admin = workspace.admin;
  });
  afterAll(() => api.app.close());

  const why = (runId: string) => admin.call("readWhy", { params: { runId } });

  async function limitDeployment({ flowName }: Stage, body: object): Promise<void> {
    const params = { flowName, deploymentName: "default" };
    const { id } = await admin.call("readDeployment", { params });
    await admin.call("updateDeployment", { params: { deploymentId: id }, body });
  }

  it("can be made, changed, listed, and removed when nobody lists them", async () => {
    const limitName = "warehouse";
    const set = (body: { slots: number; rate?: Rate; tag?: string }) =>
      admin.call("setLimit", { params: { limitName }, body });
    expect(await set({ slots: 2 })).toMatchObject({
      name: limitName,
      slots: 2,
      rate: null,
      tag: null,
      taken: 0,
    });
    const rate = { perSecond: 1.5, burst: 3 };
    const changed = await set({ slots: 4, rate, tag: "db" });
    expect(changed).toMatchObject({ slots: 4, rate, tag: "db" });
    expect(await admin.call("readLimit", { params: { limitName } })).toEqual(changed);
    expect((await admin.call("listLimits", { query: {} })).items).toEqual([changed]);
    expect(await admin.call("removeLimit", { params: { limitName } })).toEqual(changed);
    await expect(admin.call("readLimit", { params: { limitName } })).rejects.toMatchObject({
      code: "limit_not_found",
    });
  });

  it("say who holds the slot a run waits for, and wake a held claim when it is free", async () => {
    const stage = await aStage(api, workspace);
    await admin.call("setLimit", { params: { limitName: "one" }, body: { slots: 1 } });
    await limitDeployment(stage, { limitNames: ["one"] });
    const [first, second] = [await stage.trigger(), await stage.trigger()];
    const sessionId = await openSession(stage.agent);
    const { leases } = await claim(stage.agent, sessionId);
    expect(leases.map(({ runId }) => runId)).toEqual([first]);
    expect(await why(second)).toMatchObject({
      waiting: true,
      code: "limit_full",
      words: `The limit "one" is full: 1 of 1 taken, by ${first}.`,
      details: { limitName: "one", limit: 1, taken: 1, heldBy: [first] },
    });
    const held = claim(stage.agent, sessionId, { waitSeconds: 20 });
    expect(await isHeld(held)).toBe(true);
    const [lease] = leases;
    if (lease === undefined) throw new Error("The run was not claimed.");
    await report(stage.agent, transition(lease, "RUNNING"), transition(lease, "COMPLETED"));
    expect((await held).leases.map(({ runId }) => runId)).toEqual([second]);
    expect(await why(first)).toEqual({ waiting: false, code: null, words: null, details: {} });
  });

  it("cancel a new run at once under cancel-new, and say so in the answer", async () => {
    const stage = await aStage(api, workspace);
    const first = await stage.trigger(); // the deployment is known as one that cancels nothing
    await limitDeployment(stage, { concurrency: { limit: 1, strategy: "cancel-new" } });
    const run = await admin.call("createRun", { body: { flowName: stage.flowName } });
    expect(run.state).toMatchObject({ type: "CANCELLED" });
    expect(run.reason).toBe("limit_cancelled_new");
    expect((await why(first)).code).toBe("no_agent");
  });

  it("ask the agent to stop an older run under cancel-running", async () => {
    const stage = await aStage(api, workspace);
    await limitDeployment(stage, { concurrency: { limit: 1, strategy: "cancel-running" } });
    const first = await stage.trigger();
    const sessionId = await openSession(stage.agent);
    const { leases } = await claim(stage.agent, sessionId);
    const [lease] = leases;
    if (lease === undefined) throw new Error("The run was not claimed.");
    await report(stage.agent, transition(lease, "RUNNING"));
    const held = claim(stage.agent, sessionId, { waitSeconds: 20 });
    expect(await isHeld(held)).toBe(true);
    const second = await stage.trigger();
    expect((await held).leases).toEqual([]); // answered early: the agent then beats
    const beat = { sessionId, tick: 1, runs: [{ runId: first, epoch: 1 }] };
    const { cancel } = await stage.agent.caller.call("heartbeat", { body: beat });
    expect(cancel).toEqual([first]);
    expect((await why(second)).code).toBe("deployment_limit_full");
    await report(stage.agent, transition(lease, "CANCELLED"));
    const next = await claim(stage.agent, sessionId, { waitSeconds: 5 });
    expect(next.leases.map(({ runId }) => runId)).toEqual([second]);
  });

  it("keep runs from agents without the labels, and say which are missing", async () => {
    const stage = await aStage(api, workspace);
    await limitDeployment(stage, { requiredLabels: ["gpu"] });
    const runId = await stage.trigger();
    const plain = await openSession(stage.agent);
    expect((await claim(stage.agent, plain)).leases).toEqual([]);
    expect(await why(runId)).toMatchObject({
      code: "labels_unmatched",
      details: { requiredLabels: ["gpu"] },
    });
    const able = await stage.agent.caller.call("openSession", {
      body: { capacity: 1, version: "test", labels: ["gpu"] },
    });
    expect((await claim(stage.agent, able.sessionId)).leases).toHaveLength(1);
  });

  it("grant slots to tasks, to their own run's lease only", async () => {
    const stage = await aStage(api, workspace);
    await admin.call("setLimit", { params: { limitName: "mail" }, body: { slots: 1 } });
    await stage.trigger();
    const { leases } = await claim(stage.agent, await openSession(stage.agent));
    const [lease] = leases;
    if (lease === undefined) throw new Error("The run was not claimed.");
    const requestId = randomUUID();
    const body = { ...fenceOf(lease), requestId, limitNames: ["mail"] };
    const acquire = (changes: object = {}) =>
      stage.agent.caller.call("acquireSlots", { body: { ...body, ...changes } });
    expect(await acquire()).toEqual({ granted: true, waitSeconds: null, unknown: [] });
    expect(await acquire({ requestId: randomUUID() })).toMatchObject({ granted: false });
    const foreign = acquire({ leaseToken: "0".repeat(32) });
    await expect(foreign).rejects.toMatchObject({ code: "fenced" });
    const released = await stage.agent.caller.call("releaseSlots", {
      body: { ...fenceOf(lease), requestIds: [requestId] },
    });
    expect(released).toEqual({ released: 1 });
    expect(await acquire({ requestId: randomUUID() })).toMatchObject({ granted: true });
  });

  it("tell the agent which tags have limits when it takes a run, and grant slots by tag", async () => {
    const stage = await aStage(api, workspace);
    const params = { limitName: "by tag" };
    await admin.call("setLimit", { params, body: { slots: 1, tag: "gpu" } });
    await stage.trigger();
    const { leases } = await claim(stage.agent, await openSession(stage.agent));
    const [lease] = leases;
    if (lease === undefined) throw new Error("The run was not claimed.");
    expect(lease.limitedTags).toEqual(["gpu"]);
    const acquire = (tags: string[]) => {
      const body = { ...fenceOf(lease), requestId: randomUUID(), tags };
      return stage.agent.caller.call("acquireSlots", { body });
    };
    expect(await acquire(["gpu"])).toMatchObject({ granted: true });
    expect(await acquire(["gpu"])).toMatchObject({ granted: false });
    expect(await admin.call("readLimit", { params })).toMatchObject({ taken: 1, tag: "gpu" });
    await admin.call("removeLimit", { params });
    expect(await acquire(["gpu"])).toMatchObject({ granted: true });
  });

  it("name a waiting run AwaitingConcurrencySlot", async () => {
    const stage = await aStage(api, workspace);
    await limitDeployment(stage, { concurrency: { limit: 1, strategy: "enqueue" } });
    await stage.trigger();
    await claim(stage.agent, await openSession(stage.agent));
    const second = await stage.trigger();
    const read = () => admin.call("readRun", { params: { runId: second } });
    const isNamed = async () => (await read()).state.name !== "Scheduled";
    await waitFor(isNamed, { describe: "the run to be named for what it waits for" });
    expect(await read()).toMatchObject({
      state: { type: "SCHEDULED", name: "AwaitingConcurrencySlot" },
      reason: "awaiting_slot",
    });
  });
});
