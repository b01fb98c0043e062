import type { Database } from "@downbeat/db";
import { describeEachDatabase } from "@downbeat/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startTestApi, type TestApi } from "./api-harness.ts";
import { aStage, claim, openSession } from "./api-stage.ts";

const CREATE_CLAIM_AND_BEAT = 3;

describeEachDatabase("a claim that is a heartbeat too", ({ database }) => {
  let api: TestApi;
  let transactions = 0;

  beforeAll(async () => {
    // Not those of the engine's loops, which belong to no workspace.
    const counted: Database = {
      ...database(),
      inWorkspace: (ctx, work) => {
        transactions += 1;
        return database().inWorkspace(ctx, work);
      },
    };
    api = await startTestApi(counted);
  });
  afterAll(() => api.app.close());

  it("gives work without looking for runs that the agent does not know of", async () => {
    const stage = await aStage(api, await api.workspace("here"));
    const sessionId = await openSession(stage.agent);
    // So that the next heartbeat is not written at once.
    await claim(stage.agent, sessionId, { waitSeconds: 0.05, idleTick: 1 });
    const before = transactions;
    const held = claim(stage.agent, sessionId, { waitSeconds: 20, idleTick: 2 });
    const runId = await stage.trigger();
    const { leases } = await held;
    expect(leases).toMatchObject([{ runId }]);
    expect(transactions - before).toBe(CREATE_CLAIM_AND_BEAT);
  });
});
