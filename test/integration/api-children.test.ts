import { uuidv7 } from "uuidv7";
import { describeEachDatabase } from "@downbeat/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  codeOf,
  fenceOf,
  startTestApi,
  transition,
  type TestApi,
  type TestWorkspace,
} from "./api-harness.ts";
import { aLease, aStage, report, type Stage } from "./api-stage.ts";

describeEachDatabase("runs that a run triggers", ({ database }) => {
  let api: TestApi;
  let here: TestWorkspace;
  let stage: Stage;

  beforeAll(async () => {
    api = await startTestApi(database(), { runEngine: false });
    here = await api.workspace("here");
    stage = await aStage(api, here);
  });
  afterAll(() => api.app.close());

  it("become its children, once for each id, under the lease that holds it", async () => {
    const { lease } = await aLease(stage);
    await report(stage.agent, transition(lease, "RUNNING"));
    const { flowName } = stage;
    const runId = uuidv7();
    const body = { ...fenceOf(lease), runs: [{ flowName, runId }, { flowName: "nothing" }] };
    const first = await stage.agent.caller.call("triggerChildren", { body });
    const again = await stage.agent.caller.call("triggerChildren", { body });
    expect(first.outcomes.map(({ run, error }) => run?.id ?? error?.code)).toEqual([
      runId,
      "flow_not_found",
    ]);
    expect(again.outcomes[0]?.run?.id).toBe(runId);
    expect(first.outcomes[0]?.run).toMatchObject({
      parentRunId: lease.runId,
      createdBy: { kind: "agent", id: stage.agent.agentId },
    });
  });

  it("are refused to an agent that does not hold the parent, or no longer under this epoch", async () => {
    const { lease } = await aLease(stage);
    const runs = [{ flowName: stage.flowName }];
    const call = (fence: object) =>
      codeOf(
        stage.agent.caller.call("triggerChildren", {
          body: { ...fenceOf(lease), ...fence, runs },
        }),
      );
    expect(await call({ epoch: lease.epoch + 1 })).toBe("fenced");
    expect(await call({ leaseToken: "0".repeat(32) })).toBe("fenced");
    expect(await call({ runId: uuidv7() })).toBe("fenced");
    await report(stage.agent, transition(lease, "RUNNING"), transition(lease, "COMPLETED"));
    expect(await call({})).toBe("fenced");
  });

  it("are not made once the parent is being cancelled, so that none escapes", async () => {
    const { lease } = await aLease(stage);
    await report(stage.agent, transition(lease, "RUNNING"));
    await here.admin.call("cancelRun", { params: { runId: lease.runId } });
    const runs = [{ flowName: stage.flowName }];
    const asked = stage.agent.caller.call("triggerChildren", { body: { ...fenceOf(lease), runs } });
    expect(await codeOf(asked)).toBe("transition_rejected");
  });

  it("are all that their parent's agent may read", async () => {
    const stranger = await stage.trigger();
    const { lease } = await aLease(await aStage(api, here));
    const { agent } = stage;
    const own = await agent.caller.call("triggerChildren", {
      body: { ...fenceOf(lease), runs: [{ flowName: stage.flowName }] },
    });
    const child = own.outcomes[0]?.run?.id ?? "";
    const runIds = [child, stranger];
    const body = { ...fenceOf(lease), runIds };
    const { items } = await agent.caller.call("readChildren", { body });
    expect(items.map(({ id }) => id)).toEqual([child]);
    const all = await here.admin.call("readRuns", { body: { runIds: [...runIds, uuidv7()] } });
    expect(all.items.map(({ id }) => id).toSorted()).toEqual(runIds.toSorted());
  });

  it("an id that another run has is refused, and one given beside a key", async () => {
    const { flowName } = stage;
    const runId = await stage.trigger();
    const create = (spec: object) =>
      codeOf(here.admin.call("createRun", { body: { flowName, ...spec } }));
    expect(await create({ runId })).toBe("idempotency_mismatch");
    expect(await create({ runId: uuidv7(), idempotencyKey: uuidv7() })).toBe("validation_failed");
    const chosen = uuidv7();
    expect(await create({ runId: chosen, scheduledFor: "2030-01-01T00:00:00Z" })).toBe("none");
    expect(await create({ runId: chosen, scheduledFor: "2031-01-01T00:00:00Z" })).toBe("none");
    const { flowName: other } = await aStage(api, here);
    const elsewhere = here.admin.call("createRun", { body: { flowName: other, runId: chosen } });
    expect(await codeOf(elsewhere)).toBe("idempotency_mismatch");
  });
});
