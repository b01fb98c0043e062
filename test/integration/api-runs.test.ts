import { randomUUID } from "node:crypto";
import type { RouteResponse, ROUTES, Run } from "@downbeat/contract";
import { describeEachDatabase, waitFor } from "@downbeat/testkit";
import { uuidv7 } from "uuidv7";
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  claimWith,
  fenceOf,
  startTestApi,
  transition,
  type TestApi,
  type TestWorkspace,
} from "./api-harness.ts";

describeEachDatabase("runs over the API", ({ database }) => {
  let api: TestApi;
  let here: TestWorkspace;

  beforeAll(async () => {
    api = await startTestApi(database(), { runEngine: false });
    here = await api.workspace("here");
    await here.deploy("weather");
  });
  afterAll(() => api.app.close());

  const create = (body: object = {}): Promise<Run> =>
    here.admin.call("createRun", { body: { flowName: "weather", ...body } });
  const read = (runId: string) => here.admin.call("readRun", { params: { runId } });

  it("makes a run, with sealed parameters that come back as they went in", async () => {
    const parameters = await here.seal(
      { kind: "parameters", dep: "weather/default" },
      { year: 2013 },
    );
    const run = await create({ parameters, tags: ["nightly"], dataKeys: [here.dataKey.wrapped] });
    expect(run).toMatchObject({
      flowName: "weather",
      state: { type: "SCHEDULED" },
      tags: ["nightly"],
      epoch: 0,
    });
    const detail = await read(run.id);
    expect(detail.parameters).toBe(parameters);
    expect(detail.why).toMatch(/No agent polls the work pool "default"/);
    const ids = [here.dataKey.id];
    const { dataKeys } = await here.admin.call("readDataKeys", { query: { ids } as never });
    expect(dataKeys).toEqual([here.dataKey.wrapped]);
    const { items } = await here.admin.call("listRunStates", { params: { runId: run.id } });
    expect(items).toMatchObject([
      { sequence: 0, type: "SCHEDULED", reason: "created", actor: { kind: "api-key" } },
    ]);
  });

  it("answers each of many runs on its own, in order", async () => {
    const runs = [
      { flowName: "weather" },
      { flowName: "nope" },
      { flowName: "weather", tags: ["third"] },
    ];
    const { outcomes } = await here.admin.call("createRuns", { body: { runs } });
    expect(outcomes.map(({ error }) => error?.code)).toEqual([
      undefined,
      "flow_not_found",
      undefined,
    ]);
    const third = await here.admin.call("readRun", { params: { runId: outcomes[2]?.runId ?? "" } });
    expect(third.tags).toEqual(["third"]);
  });

  it("gives every one of many concurrent requests its own run", async () => {
    const tags = Array.from({ length: 40 }, (_, index) => `n${index}`);
    const runs = await Promise.all(tags.map((tag) => create({ tags: [tag] })));
    expect(runs.map((run) => run.tags[0])).toEqual(tags);
    expect(new Set(runs.map((run) => run.id)).size).toBe(tags.length);
  });

  it("makes one run for one idempotency key, also when both ask at once", async () => {
    const idempotencyKey = randomUUID();
    const [first, second] = await Promise.all([
      create({ idempotencyKey }),
      create({ idempotencyKey }),
    ]);
    expect(second.id).toBe(first.id);
    expect((await create({ idempotencyKey })).id).toBe(first.id);
    await expect(create({ idempotencyKey, tags: ["other"] })).rejects.toMatchObject({
      code: "idempotency_mismatch",
    });
    const { outcomes } = await here.admin.call("createRuns", {
      body: { runs: [{ flowName: "weather", idempotencyKey }, { flowName: "weather" }] },
    });
    expect(outcomes[0]?.runId).toBe(first.id);
    expect(outcomes[1]?.runId).not.toBe(first.id);
  });

  it("takes an id in capitals for the same id", async () => {
    await here.deploy("capital");
    const runId = uuidv7();
    const [first, again, small] = [
      await create({ flowName: "capital", runId: runId.toUpperCase() }),
      await create({ flowName: "capital", runId: runId.toUpperCase() }),
      await create({ flowName: "capital", runId }),
    ];
    expect(first.id).toBe(runId);
    expect([again, small]).toEqual([first, first]);
    expect((await read(runId.toUpperCase())).id).toBe(runId);
    const pool = await here.admin.call("createPool", { body: { name: "capital" } });
    await here.deploy("alone", pool.name);
    const { id } = await create({ flowName: "alone" });
    const agent = await api.enrol(here, { poolName: pool.name });
    const [lease] = (await claimWith(agent)).leases;
    if (lease === undefined) throw new Error("There is no lease.");
    const started = transition(lease, "RUNNING");
    const items = [{ ...started, runId: id.toUpperCase() }];
    const { outcomes } = await agent.caller.call("report", { body: { items } });
    expect(outcomes[0]?.status).toBe("accepted");
  });

  it("lists newest first, page by page, and filters", async () => {
    const other = await api.workspace("listing");
    await other.deploy("a");
    await other.deploy("b");
    for (const flowName of ["a", "b", "a", "a"])
      await other.admin.call("createRun", { body: { flowName } });
    const first = await other.admin.call("listRuns", { query: { flowName: "a", limit: 2 } });
    expect(first.items).toHaveLength(2);
    const second = await other.admin.call("listRuns", {
      query: { flowName: "a", limit: 2, cursor: String(first.nextCursor) },
    });
    expect(second).toMatchObject({ items: [{ flowName: "a" }], nextCursor: null });
    const ids = [...first.items, ...second.items].map((run) => run.id);
    expect(ids).toEqual(ids.toSorted().toReversed());
    const finished = { stateType: "COMPLETED,FAILED" } as unknown as { stateType: ["COMPLETED"] };
    expect((await other.admin.call("listRuns", { query: finished })).items).toEqual([]);
  });

  it("keeps runs of a paused deployment, and says why they wait", async () => {
    const deploymentId = await here.deploy("resting");
    await here.admin.call("updateDeployment", { params: { deploymentId }, body: { paused: true } });
    const run = await here.admin.call("createRun", { body: { flowName: "resting" } });
    expect((await read(run.id)).why).toBe("The deployment is paused.");
  });

  it("cancels a waiting run at once, and says the same when asked again", async () => {
    const { id: runId } = await create();
    const cancel = () => here.admin.call("cancelRun", { params: { runId } });
    const first = await cancel();
    expect(first).toMatchObject({
      accepted: true,
      run: { state: { type: "CANCELLED" }, reason: "cancelled_before_start" },
    });
    expect(await cancel()).toEqual(first);
    const { items } = await here.admin.call("listRunStates", { params: { runId } });
    expect(items).toHaveLength(2);
    expect(
      (await here.admin.call("listLogChunks", { params: { runId }, query: {} })).complete,
    ).toBe(true);
  });

  it("asks the agent to stop a running run, and does not touch a finished one", async () => {
    const pool = await here.admin.call("createPool", { body: { name: "cancelling" } });
    await here.deploy("stoppable", pool.name);
    const { id: runId } = await here.admin.call("createRun", { body: { flowName: "stoppable" } });
    const agent = await api.enrol(here, { poolName: pool.name });
    const { sessionId, leases } = await claimWith(agent);
    const [lease] = leases;
    if (lease === undefined) throw new Error("The run was not claimed.");
    await agent.caller.call("report", { body: { items: [transition(lease, "RUNNING")] } });
    const cancelled = await here.admin.call("cancelRun", { params: { runId } });
    expect(cancelled).toMatchObject({
      accepted: true,
      run: { state: { type: "CANCELLING" }, agentId: agent.agentId },
    });
    const beat = { sessionId, tick: 1, runs: [{ runId, epoch: lease.epoch }] };
    expect((await agent.caller.call("heartbeat", { body: beat })).cancel).toEqual([runId]);
    await agent.caller.call("report", { body: { items: [transition(lease, "CANCELLED")] } });
    expect((await read(runId)).state.type).toBe("CANCELLED");

    const done = await here.admin.call("createRun", { body: { flowName: "stoppable" } });
    const next = (await claimWith(agent)).leases[0];
    if (next === undefined) throw new Error("The run was not claimed.");
    await agent.caller.call("report", {
      body: { items: [transition(next, "RUNNING"), transition(next, "COMPLETED")] },
    });
    const late = await here.admin.call("cancelRun", { params: { runId: done.id } });
    expect(late).toMatchObject({ accepted: false, run: { state: { type: "COMPLETED" } } });
  });

  it("holds a reader of logs until the next chunk, and says when nothing more will come", async () => {
    const pool = await here.admin.call("createPool", { body: { name: "logging" } });
    await here.deploy("talkative", pool.name);
    const { id: runId } = await here.admin.call("createRun", { body: { flowName: "talkative" } });
    const agent = await api.enrol(here, { poolName: pool.name });
    const [lease] = (await claimWith(agent)).leases;
    if (lease === undefined) throw new Error("The run was not claimed.");
    await agent.caller.call("report", { body: { items: [transition(lease, "RUNNING")] } });
    await agent.caller.call("createDataKeys", { body: { dataKeys: [here.dataKey.wrapped] } });
    let answered: RouteResponse<(typeof ROUTES)["listLogChunks"]> | undefined;
    const startedMs = performance.now();
    const held = here.admin
      .call("listLogChunks", { params: { runId }, query: { waitSeconds: 20 } })
      .then((answer) => (answered = answer));
    const chunk = await here.seal({ kind: "log", run: runId, epoch: 1, seq: 0 }, []);
    expect(answered).toBeUndefined();
    await agent.caller.call("report", {
      body: { items: [{ kind: "log", ...fenceOf(lease), sequence: 0, lineCount: 1, chunk }] },
    });
    expect(await held).toMatchObject({
      items: [{ sequence: 0, epoch: 1, chunk }],
      nextAfter: "1.0",
      complete: false,
      dataKeys: [here.dataKey.wrapped],
    });
    expect(performance.now() - startedMs).toBeLessThan(15_000);
    const end = here.admin.call("listLogChunks", {
      params: { runId },
      query: { after: "1.0", waitSeconds: 20 },
    });
    await agent.caller.call("report", { body: { items: [transition(lease, "COMPLETED")] } });
    expect(await end).toMatchObject({ items: [], nextAfter: "1.0", complete: true });
  });

  it("says in words why a run waits, as things change", async () => {
    const pool = await here.admin.call("createPool", { body: { name: "waiting" } });
    await here.deploy("patient", pool.name);
    const later = { flowName: "patient", scheduledFor: "2999-01-01T00:00:00Z" };
    const planned = await here.admin.call("createRun", { body: later });
    expect((await read(planned.id)).why).toMatch(/Scheduled for 2999/);
    const { id } = await here.admin.call("createRun", { body: { flowName: "patient" } });
    await here.admin.call("updatePool", {
      params: { poolName: pool.name },
      body: { paused: true },
    });
    expect((await read(id)).why).toMatch(/"waiting" is paused/);
    await here.admin.call("updatePool", {
      params: { poolName: pool.name },
      body: { paused: false },
    });
    const agent = await api.enrol(here, { poolName: pool.name });
    const { leases } = await claimWith(agent);
    expect(leases.map(({ runId }) => runId)).toEqual([id]);
    await waitFor(async () => (await read(id)).why?.includes("prepares"), {
      describe: "the reason to follow the state",
    });
  });
});
