import { randomUUID } from "node:crypto";
import type { Lease } from "@downbeat/contract";
import { describeEachDatabase } from "@downbeat/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { claimWith, fenceOf, startTestApi, transition } from "./api-harness.ts";
import type { TestApi, TestWorkspace } from "./api-harness.ts";
import { aStage, report, type Stage } from "./api-stage.ts";

describeEachDatabase("late reports", ({ database }) => {
  let api: TestApi;
  let here: TestWorkspace;

  beforeAll(async () => {
    api = await startTestApi(database());
    here = await api.workspace("here");
  });
  afterAll(() => api.app.close());

  async function aRetryingStage(): Promise<Stage> {
    const stage = await aStage(api, here);
    const { flowName, poolName } = stage;
    const dep = `${flowName}/default`;
    const entrypoint = await here.seal({ kind: "entrypoint", dep }, { path: "a.ts", export: "a" });
    const retry = { retriesOnFailure: 1, delaySeconds: 0 };
    const spec = { flowName, poolName, contentHash: "0".repeat(64), entrypoint, retry };
    await here.admin.call("deploy", { body: { deployments: [spec] } });
    return stage;
  }

  async function claimOne(stage: Stage): Promise<Lease> {
    const [lease] = (await claimWith(stage.agent, 1)).leases;
    if (lease === undefined) throw new Error("Nothing was claimed.");
    return lease;
  }

  async function log(lease: Lease, sequence: number): Promise<object> {
    const { runId: run, epoch } = lease;
    const chunk = await here.seal({ kind: "log", run, epoch, seq: sequence }, "late");
    return { kind: "log", ...fenceOf(lease), sequence, lineCount: 1, chunk };
  }

  it("takes what an earlier attempt logged late, while its transitions stay fenced", async () => {
    const stage = await aRetryingStage();
    const runId = await stage.trigger();
    const first = await claimOne(stage);
    await report(stage.agent, transition(first, "RUNNING"), transition(first, "FAILED"));
    const forged = { ...first, leaseToken: "0".repeat(32) };
    const late = [await log(first, 0), aTaskRun(first), transition(first, "COMPLETED")];
    expect(await report(stage.agent, ...late, await log(forged, 1))).toEqual([
      "accepted",
      "accepted",
      "fenced",
      "fenced",
    ]);
    const second = await claimOne(stage);
    await report(stage.agent, transition(second, "RUNNING"));
    expect(await report(stage.agent, await log(first, 2), await log(second, 0))).toEqual([
      "accepted",
      "accepted",
    ]);
    // Also once the run has ended, and after a person has started it again.
    await report(stage.agent, transition(second, "FAILED"));
    expect(await report(stage.agent, await log(first, 3))).toEqual(["accepted"]);
    await here.admin.call("retryRun", { params: { runId } });
    expect(await report(stage.agent, await log(second, 1), await log(forged, 4))).toEqual([
      "accepted",
      "fenced",
    ]);
  });
});

function aTaskRun(lease: Lease) {
  return {
    kind: "task_run",
    ...fenceOf(lease),
    taskRunId: randomUUID(),
    taskName: "read",
    index: 0,
    sequence: 1,
    type: "COMPLETED",
    name: "Completed",
    at: new Date().toISOString(),
    attempt: 1,
    startedAt: null,
    endedAt: null,
  };
}
