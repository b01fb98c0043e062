import { randomUUID } from "node:crypto";
import type { Lease, RetryMode } from "@downbeat/contract";
import { describeEachDatabase } from "@downbeat/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { claimWith, startTestApi, transition } from "./api-harness.ts";
import type { TestApi, TestWorkspace } from "./api-harness.ts";
import { aStage, report, type Stage } from "./api-stage.ts";

const CACHE_TAG = "t".repeat(43);

describeEachDatabase("kept results", ({ database }) => {
  let api: TestApi;
  let here: TestWorkspace;

  beforeAll(async () => {
    api = await startTestApi(database());
    here = await api.workspace("here");
  });
  afterAll(() => api.app.close());

  async function claimOne(stage: Stage): Promise<Lease> {
    const { leases } = await claimWith(stage.agent, 1);
    if (leases[0] === undefined) throw new Error("Nothing was claimed.");
    return leases[0];
  }

  async function fail(stage: Stage): Promise<Lease> {
    const lease = await claimOne(stage);
    await report(stage.agent, transition(lease, "RUNNING"), transition(lease, "FAILED"));
    return lease;
  }

  const retry = (runId: string, mode?: RetryMode) =>
    here.admin.call("retryRun", { params: { runId }, ...(mode && { body: { mode } }) });

  const aResult = ({ runId, epoch }: Lease) =>
    here.seal({ kind: "result", run: runId, epoch }, { location: "s3://results/one" });

  const aTaskRun = ({ runId, epoch, leaseToken }: Lease, more: object) => ({
    kind: "task_run",
    runId,
    epoch,
    leaseToken,
    taskRunId: randomUUID(),
    taskName: "extract",
    index: 0,
    sequence: 0,
    type: "COMPLETED",
    name: "Cached",
    at: new Date().toISOString(),
    attempt: 0,
    startedAt: null,
    endedAt: null,
    ...more,
  });

  it("tells an attempt which results it may use: all of them, unless someone retried from the start", async () => {
    const stage = await aStage(api, here);
    const runId = await stage.trigger();
    expect((await fail(stage)).resultsFrom).toBe(0);
    expect((await retry(runId, "from_failed")).reason).toBe("retry_from_failed_requested");
    expect((await fail(stage)).resultsFrom).toBe(0);
    expect((await retry(runId)).reason).toBe("retry_requested");
    expect(await fail(stage)).toMatchObject({ epoch: 3, resultsFrom: 3 });
    await retry(runId, "from_failed");
    expect(await fail(stage)).toMatchObject({ epoch: 4, resultsFrom: 3 });
  });

  it("says so in bulk too", async () => {
    const stage = await aStage(api, here);
    const { flowName } = stage;
    await stage.trigger();
    const all = (mode?: RetryMode) =>
      here.admin.call("bulkRuns", { body: { action: "retry", mode, filter: { flowName } } });
    await fail(stage);
    await all("from_failed");
    expect((await fail(stage)).resultsFrom).toBe(0);
    await all();
    expect((await fail(stage)).resultsFrom).toBe(3);
  });

  it("stores where results are, sealed, with the run and its task runs, and hides it from lists", async () => {
    const stage = await aStage(api, here);
    const runId = await stage.trigger();
    const lease = await claimOne(stage);
    const result = await aResult(lease);
    await report(
      stage.agent,
      transition(lease, "RUNNING"),
      aTaskRun(lease, { result, cacheTag: CACHE_TAG }),
      { ...transition(lease, "COMPLETED"), result },
    );
    const tasks = await here.admin.call("listTaskRuns", { params: { runId }, query: {} });
    expect(tasks.items).toMatchObject([{ result, cacheTag: CACHE_TAG, state: { name: "Cached" } }]);
    expect((await here.admin.call("readRun", { params: { runId } })).result).toBe(result);
    const { items } = await here.admin.call("listRuns", {
      query: { flowName: stage.flowName },
    });
    expect(items[0]).not.toHaveProperty("result");
    await retry(runId, "from_start");
    expect((await here.admin.call("readRun", { params: { runId } })).result).toBeNull();
  });

  it("refuses a location in clear", async () => {
    const stage = await aStage(api, here);
    await stage.trigger();
    const lease = await claimOne(stage);
    for (const item of [
      aTaskRun(lease, { result: "s3://results/one" }),
      { ...transition(lease, "COMPLETED"), result: "file:///one" },
    ])
      await expect(report(stage.agent, item)).rejects.toMatchObject({ code: "plaintext_refused" });
    const key = { cacheTag: "customer 42" };
    await expect(report(stage.agent, aTaskRun(lease, key))).rejects.toMatchObject({
      code: "validation_failed",
    });
  });
});
