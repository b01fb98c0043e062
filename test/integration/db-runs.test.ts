import { randomUUID } from "node:crypto";
import type { StateName, StateReasonCode, StateType } from "@downbeat/contract";
import {
  appendLogChunks,
  applyTransitions,
  createRuns,
  listLogChunks,
  listRuns,
  listRunStates,
  listTaskRuns,
  lockRuns,
  readRun,
  storeDataKeys,
  type TaskRunRow,
  type Transition,
  upsertTaskRuns,
} from "@downbeat/db";
import { describeEachDatabase } from "@downbeat/testkit";
import { expect, it } from "vitest";
import { aBlob, aNewRun, aSession, aWorkspace, claim, type Fixture, someRuns } from "./db-fixture.ts";

const page = { limit: 50 };

describeEachDatabase("runs", ({ database }) => {
  it("answers every asked run in order, and names what is unknown", async () => {
    const { inside } = await aWorkspace(database());
    const answers = await inside((tx) =>
      createRuns(tx, [
        aNewRun({ tags: ["hand made", 'quo"te'] }),
        aNewRun({ flowName: "nope" }),
        aNewRun({ deploymentName: "nope" }),
      ]),
    );
    expect(answers).toMatchObject([
      { status: "created", run: { state: { type: "SCHEDULED" }, tags: ["hand made", "nightly", 'quo"te'] } },
      { status: "unknown", flowExists: false },
      { status: "unknown", flowExists: true },
    ]);
    const [first] = answers;
    if (first?.status !== "created") throw new Error("The first run was not made.");
    const read = await inside((tx) => readRun(tx, first.runId));
    expect(read).toEqual({ ...first.run, parameters: null });
  });

  it("makes one run for one idempotency key, whether asked again, twice in a batch, or at the same time", async () => {
    const { inside } = await aWorkspace(database());
    const keyed = aNewRun({ idempotencyKey: randomUUID() });
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => inside((tx) => createRuns(tx, [keyed, keyed, aNewRun()]))),
    );
    const ofKey = answers.flatMap((answer) => answer.slice(0, 2));
    expect(ofKey.filter(({ status }) => status === "created")).toHaveLength(1);
    expect(ofKey.filter(({ status }) => status === "standing")).toHaveLength(9);
    expect(new Set(ofKey.map((answer) => ("runId" in answer ? answer.runId : "")))).toHaveProperty("size", 1);
    expect((await inside((tx) => listRuns(tx, page))).items).toHaveLength(6);
    const [other] = await inside((tx) => createRuns(tx, [{ ...keyed, requestHash: "h2" }]));
    expect(other?.status).toBe("mismatch");
  });

  it("walks a run to its end: history, final state, and no hot row left", async () => {
    const fixture = await aWorkspace(database());
    const [runId = ""] = await someRuns(fixture, 1);
    const [lease] = await claim(fixture, { sessionId: await aSession(fixture) });
    const running = randomUUID();
    await move(fixture, runId, [["RUNNING", "Running", "started", running]]);
    const live = await fixture.inside((tx) => lockRuns(tx, [runId, randomUUID()]));
    expect([...live.keys()]).toEqual([runId]);
    expect(live.get(runId)).toMatchObject({
      live: true,
      state: { type: "RUNNING" },
      epoch: 1,
      leaseToken: lease?.leaseToken,
      sequence: 2,
      knownTransitionIds: new Set([running]),
      agentId: fixture.agentId,
    });
    const error = { class: "TypeError", exitCode: 1, signal: null, fingerprint: null, detail: aBlob("error") };
    await move(fixture, runId, [["FAILED", "Failed", "failed", randomUUID()]], error);
    const done = (await fixture.inside((tx) => lockRuns(tx, [runId]))).get(runId);
    expect(done).toMatchObject({ live: false, leaseToken: lease?.leaseToken, epoch: 1, sequence: 3 });
    expect(done?.knownTransitionIds.has(running)).toBe(true);
    const read = await fixture.inside((tx) => readRun(tx, runId));
    expect(read).toMatchObject({ state: { type: "FAILED" }, error, agentName: "agent-1", reason: "failed" });
    expect(read?.startedAt).not.toBeNull();
    expect(read?.endedAt).not.toBeNull();
    expect(await hotRows(fixture)).toBe(0);
    const history = await fixture.inside((tx) => listRunStates(tx, runId));
    expect(history.map(({ type }) => type)).toEqual(["SCHEDULED", "PENDING", "RUNNING", "FAILED"]);
    expect(history.at(-1)?.error).toEqual(error);
  });

  it("applies several transitions of several runs in one statement", async () => {
    const fixture = await aWorkspace(database());
    const ids = await someRuns(fixture, 3);
    await claim(fixture, { sessionId: await aSession(fixture) });
    await fixture.inside(async (tx) => {
      const locked = await lockRuns(tx, ids);
      const rows = ids.flatMap((runId) => [
        aTransition(fixture, locked.get(runId)?.sequence ?? 0, runId, ["RUNNING", "Running", "started", randomUUID()]),
        aTransition(fixture, (locked.get(runId)?.sequence ?? 0) + 1, runId, [
          "COMPLETED",
          "Completed",
          "completed",
          randomUUID(),
        ]),
      ]);
      await applyTransitions(tx, rows);
    });
    const { items } = await fixture.inside((tx) => listRuns(tx, { ...page, stateType: ["COMPLETED"] }));
    expect(items.map(({ id }) => id)).toEqual(ids.toReversed());
    expect(items.every(({ startedAt }) => startedAt !== null)).toBe(true);
    expect(await hotRows(fixture)).toBe(0);
  });

  it("gives up the lease of a run that goes back to the queue", async () => {
    const fixture = await aWorkspace(database());
    const [runId = ""] = await someRuns(fixture, 1);
    const sessionId = await aSession(fixture);
    await claim(fixture, { sessionId });
    await move(fixture, runId, [["SCHEDULED", "Scheduled", "released", randomUUID()]]);
    const locked = (await fixture.inside((tx) => lockRuns(tx, [runId]))).get(runId);
    expect(locked).toMatchObject({ leaseToken: null, sessionId: null, epoch: 1 });
    expect(await claim(fixture, { sessionId })).toMatchObject([{ runId, epoch: 2 }]);
  });

  it("filters and pages, newest first", async () => {
    const fixture = await aWorkspace(database());
    const ids = (await someRuns(fixture, 5)).toReversed();
    await claim(fixture, { sessionId: await aSession(fixture), max: 1 });
    await move(fixture, ids[4] ?? "", [["CRASHED", "Crashed", "agent_lost", randomUUID()]]);
    const list = (filter: object) => fixture.inside((tx) => listRuns(tx, { ...page, ...filter }));
    const first = await list({ limit: 2 });
    expect(first.items.map(({ id }) => id)).toEqual(ids.slice(0, 2));
    const second = await list({ limit: 3, cursor: first.nextCursor ?? "" });
    expect(second.items.map(({ id }) => id)).toEqual(ids.slice(2));
    expect(second.nextCursor).toBeNull();
    expect((await list({ stateType: ["CRASHED", "SCHEDULED"] })).items).toHaveLength(5);
    expect((await list({ stateType: ["SCHEDULED"] })).items).toHaveLength(4);
    expect((await list({ stateType: ["CRASHED"], flowName: "etl" })).items).toHaveLength(1);
    expect((await list({ poolName: "default", deploymentName: "default" })).items).toHaveLength(5);
    expect((await list({ flowName: "other" })).items).toEqual([]);
    expect((await list({ createdAfter: new Date(Date.now() + 60_000).toISOString() })).items).toEqual([]);
    await expect(list({ cursor: "x'; drop table flow_run" })).rejects.toMatchObject({ code: "validation_failed" });
  });

  it("keeps the newest state of a task run, in whatever order reports come", async () => {
    const fixture = await aWorkspace(database());
    const [runId = ""] = await someRuns(fixture, 1);
    const report = (...rows: TaskRunRow[]) => fixture.inside((tx) => upsertTaskRuns(tx, rows));
    const early = aTaskRun(runId, 2);
    await report({ ...early, sequence: 3, type: "COMPLETED", name: "Completed" }, { ...early, sequence: 1 });
    await report({ ...early, sequence: 2 });
    await report({ ...aTaskRun(runId, 1), upstream: [early.taskRunId] }, { ...aTaskRun(runId, 0), startedAt: null });
    const first = await fixture.inside((tx) => listTaskRuns(tx, { runId, limit: 2 }));
    const rest = await fixture.inside((tx) =>
      listTaskRuns(tx, { runId, limit: 2, cursor: first.nextCursor ?? "" }),
    );
    const all = [...first.items, ...rest.items];
    expect(all.map(({ index }) => index)).toEqual([1, 2, 0]);
    expect(all[0]?.upstream).toEqual([early.taskRunId]);
    expect(all[1]?.state.type).toBe("COMPLETED");
    expect((await fixture.inside((tx) => readRun(tx, runId)))?.taskRunCount).toBe(3);
  });

  it("stores a log chunk once and pages by epoch and sequence, with the keys the chunks name", async () => {
    const fixture = await aWorkspace(database());
    const [runId = ""] = await someRuns(fixture, 1);
    const key = { id: randomUUID(), wrap: "{}", wrapTag: null };
    expect(await fixture.inside((tx) => storeDataKeys(tx, [key, key]))).toBe(1);
    expect(await fixture.inside((tx) => storeDataKeys(tx, [key]))).toBe(0);
    const chunk = (epoch: number, sequence: number) => ({
      runId,
      epoch,
      sequence,
      lineCount: 2,
      chunk: aBlob("log", key.id),
    });
    const append = (...rows: ReturnType<typeof chunk>[]) => fixture.inside((tx) => appendLogChunks(tx, rows));
    expect(await append(chunk(1, 1), chunk(1, 0), chunk(1, 1))).toBe(2);
    expect(await append(chunk(1, 1), chunk(2, 0))).toBe(1);
    const read = (after?: string) => fixture.inside((tx) => listLogChunks(tx, { runId, after, limit: 2 }));
    const first = await read();
    expect(first?.items.map(({ epoch, sequence }) => [epoch, sequence])).toEqual([
      [1, 0],
      [1, 1],
    ]);
    expect(first).toMatchObject({ nextAfter: "1.1", complete: false, dataKeys: [key] });
    expect(await read("1.1")).toMatchObject({ nextAfter: "2.0", complete: false });
    expect(await read("2.0")).toMatchObject({ items: [], nextAfter: "2.0", complete: false, dataKeys: [] });
    await move(fixture, runId, [["CANCELLED", "Cancelled", "cancelled_before_start", randomUUID()]]);
    expect(await read("2.0")).toMatchObject({ items: [], complete: true });
    expect(await fixture.inside((tx) => listLogChunks(tx, { runId: randomUUID(), limit: 2 }))).toBeUndefined();
  });
});

type Step = [type: StateType, name: StateName, reason: StateReasonCode, transitionId: string];

function aTransition(fixture: Fixture, sequence: number, runId: string, step: Step): Transition {
  const [type, name, reason, transitionId] = step;
  return {
    runId,
    workspaceId: fixture.workspaceId,
    epoch: 1,
    sequence: sequence + 1,
    transitionId,
    state: { type, name, at: new Date().toISOString() },
    reason,
    error: null,
    actor: { kind: "agent", id: fixture.agentId },
  };
}

async function move(
  fixture: Fixture,
  runId: string,
  steps: Step[],
  error: Transition["error"] = null,
): Promise<void> {
  await fixture.inside(async (tx) => {
    const locked = (await lockRuns(tx, [runId])).get(runId);
    if (locked === undefined) throw new Error(`The run ${runId} was not found.`);
    const rows = steps.map((step, index) => aTransition(fixture, locked.sequence + index, runId, step));
    await applyTransitions(tx, rows.map((row) => ({ ...row, epoch: locked.epoch, error })));
  });
}

function hotRows({ inside }: Fixture): Promise<number> {
  return inside((tx) => tx.prisma.liveRun.count());
}

function aTaskRun(runId: string, index: number): TaskRunRow {
  const at = new Date(Date.UTC(2026, 0, 5, 9, 0, index)).toISOString();
  return {
    runId,
    epoch: 1,
    taskRunId: randomUUID(),
    taskName: "extract",
    index,
    sequence: 0,
    type: "RUNNING",
    name: "Running",
    at,
    attempt: 1,
    startedAt: at,
    endedAt: null,
    upstream: [],
    renderedName: null,
    error: null,
  };
}
