import { randomUUID } from "node:crypto";
import { createRuns, listRuns, listRunStates, lockRuns, readRun } from "@downbeat/db";
import { describeEachDatabase } from "@downbeat/testkit";
import { expect, it } from "vitest";
import {
  aBlob,
  aNewRun,
  aSession,
  aWorkspace,
  claim,
  type Fixture,
  moveRuns,
  someRuns,
  type Step,
} from "./db-fixture.ts";

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
      {
        status: "created",
        isDue: true,
      },
      { status: "unknown", flowExists: false },
      { status: "unknown", flowExists: true },
    ]);
    const [first] = answers;
    if (first?.status !== "created") throw new Error("The first run was not made.");
    const read = await inside((tx) => readRun(tx, first.runId));
    expect(read?.tags).toEqual(["hand made", "nightly", 'quo"te']);
    expect(read).toEqual({ ...first.run(), parameters: null, result: null });
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
    expect(new Set(ofKey.map((answer) => ("runId" in answer ? answer.runId : "")))).toHaveProperty(
      "size",
      1,
    );
    expect((await inside((tx) => listRuns(tx, page))).items).toHaveLength(6);
    const [other] = await inside((tx) => createRuns(tx, [{ ...keyed, requestHash: "h2" }]));
    expect(other?.status).toBe("mismatch");
  });

  it("walks a run to its end: history, final state, and no hot row left", async () => {
    const fixture = await aWorkspace(database());
    const [runId = ""] = await someRuns(fixture, 1);
    const sessionId = await aSession(fixture);
    const [lease] = await claim(fixture, { sessionId });
    const running = randomUUID();
    await moveRuns(fixture, [runId], [["RUNNING", "Running", "started", running]]);
    const live = await fixture.inside((tx) => lockRuns(tx, [runId, randomUUID()]));
    expect([...live.keys()]).toEqual([runId]);
    expect(live.get(runId)).toMatchObject({
      live: true,
      state: { type: "RUNNING" },
      epoch: 1,
      leaseToken: lease?.leaseToken,
      sequence: 2,
      sessionId,
    });
    expect(live.get(runId)?.knownTransitionIds.has(running)).toBe(true);
    expect(live.get(runId)?.knownTransitionIds.has(randomUUID())).toBe(false);
    const error = {
      class: "TypeError",
      exitCode: 1,
      signal: null,
      fingerprint: null,
      detail: aBlob("error"),
    };
    await moveRuns(fixture, [runId], [["FAILED", "Failed", "failed"]], error);
    const done = (await fixture.inside((tx) => lockRuns(tx, [runId]))).get(runId);
    expect(done).toMatchObject({
      live: false,
      leaseToken: lease?.leaseToken,
      epoch: 1,
      sequence: 3,
    });
    expect(done?.knownTransitionIds.has(running)).toBe(true);
    const read = await fixture.inside((tx) => readRun(tx, runId));
    expect(read).toMatchObject({
      state: { type: "FAILED" },
      error,
      agentName: "agent-1",
      reason: "failed",
    });
    expect(read?.startedAt).not.toBeNull();
    expect(read?.endedAt).not.toBeNull();
    expect(await hotRows(fixture)).toBe(0);
    const history = await fixture.inside((tx) => listRunStates(tx, runId));
    expect(history.map(({ type }) => type)).toEqual(["SCHEDULED", "PENDING", "RUNNING", "FAILED"]);
    expect(history.at(-1)?.error).toEqual(error);
    expect(history[0]).toEqual({
      sequence: 0,
      type: "SCHEDULED",
      name: "Scheduled",
      at: read?.createdAt,
      epoch: 0,
      actor: read?.createdBy,
      reason: "created",
      cause: null,
      error: null,
    });
  });

  it("recognises a transition that more than 32 others have followed", async () => {
    const fixture = await aWorkspace(database());
    const [runId = ""] = await someRuns(fixture, 1);
    await claim(fixture, { sessionId: await aSession(fixture) });
    const ids = Array.from({ length: 40 }, () => randomUUID());
    for (const part of [ids.slice(0, 5), ids.slice(5)])
      await moveRuns(
        fixture,
        [runId],
        part.map((id): Step => ["RUNNING", "Running", "reconnected", id]),
      );
    const knows = async (id: string, transitionIds: readonly string[]): Promise<boolean> => {
      const runs = await fixture.inside((tx) => lockRuns(tx, [runId], { transitionIds }));
      return runs.get(runId)?.knownTransitionIds.has(id) === true;
    };
    const [first = "", last = ""] = [ids.at(0), ids.at(-1)];
    expect(await knows(last, [])).toBe(true);
    expect(await knows(first, [first])).toBe(true);
    expect(await knows(randomUUID(), [first])).toBe(false);
  });

  it("applies several transitions of several runs in one statement", async () => {
    const fixture = await aWorkspace(database());
    const ids = await someRuns(fixture, 3);
    await claim(fixture, { sessionId: await aSession(fixture) });
    await moveRuns(fixture, ids, [
      ["RUNNING", "Running", "started"],
      ["COMPLETED", "Completed", "completed"],
    ]);
    const { items } = await fixture.inside((tx) =>
      listRuns(tx, { ...page, stateType: ["COMPLETED"] }),
    );
    expect(items.map(({ id }) => id)).toEqual(ids.toReversed());
    expect(items.every(({ startedAt }) => startedAt !== null)).toBe(true);
    expect(await hotRows(fixture)).toBe(0);
  });

  it("gives up the lease of a run that goes back to the queue", async () => {
    const fixture = await aWorkspace(database());
    const [runId = ""] = await someRuns(fixture, 1);
    const sessionId = await aSession(fixture);
    await claim(fixture, { sessionId });
    await moveRuns(fixture, [runId], [["SCHEDULED", "Scheduled", "released"]]);
    const locked = (await fixture.inside((tx) => lockRuns(tx, [runId]))).get(runId);
    expect(locked).toMatchObject({ leaseToken: null, sessionId: null, epoch: 1 });
    expect(await claim(fixture, { sessionId })).toMatchObject([{ runId, epoch: 2 }]);
  });

  it("filters and pages, newest first", async () => {
    const fixture = await aWorkspace(database());
    const ids = (await someRuns(fixture, 5)).toReversed();
    await claim(fixture, { sessionId: await aSession(fixture), max: 1 });
    await moveRuns(fixture, [ids[4] ?? ""], [["CRASHED", "Crashed", "agent_lost"]]);
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
    expect(
      (await list({ createdAfter: new Date(Date.now() + 60_000).toISOString() })).items,
    ).toEqual([]);
    const crashed = { stateType: ["CRASHED"], flowName: "etl", deploymentName: "default" };
    expect((await list(crashed)).items.map(({ id }) => id)).toEqual([ids[4]]);
    expect((await list({ ...crashed, stateType: ["COMPLETED"] })).items).toEqual([]);
    expect((await list({ ...crashed, cursor: ids[4] })).items).toEqual([]);
    expect((await list({ ...crashed, stateType: ["CRASHED", "SCHEDULED"] })).items).toHaveLength(5);
    expect((await list({ deploymentName: "other" })).items).toEqual([]);
    const now = new Date(Date.now() + 60_000).toISOString();
    expect(
      (await list({ createdBefore: now, createdAfter: "2000-01-01T00:00:00Z" })).items,
    ).toHaveLength(5);
    await expect(list({ cursor: "x'; drop table flow_run" })).rejects.toMatchObject({
      code: "validation_failed",
    });
  });
});

function hotRows({ inside }: Fixture): Promise<number> {
  return inside((tx) => tx.prisma.liveRun.count());
}
