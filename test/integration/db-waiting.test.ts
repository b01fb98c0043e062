import { randomUUID } from "node:crypto";
import {
  createRuns,
  markLate,
  poolsWithClaimableRuns,
  readRun,
  readWaitingFacts,
  updatePool,
} from "@downbeat/db";
import { describeEachDatabase } from "@downbeat/testkit";
import { expect, it } from "vitest";
import { aNewRun, aSession, aWorkspace, claim, someRuns } from "./db-fixture.ts";

describeEachDatabase("waiting runs", ({ database }) => {
  it("are called Late once, and can still be taken", async () => {
    const fixture = await aWorkspace(database());
    const [runId = ""] = await someRuns(fixture, 1);
    const late = async (seconds: number) =>
      (
        await database().asEngine((tx) =>
          markLate(tx, { lateAfterSeconds: 15, now: new Date(Date.now() + seconds * 1000) }),
        )
      ).map((moved) => moved.runId);
    expect(await late(10)).toEqual([]);
    expect(await late(20)).toEqual([runId]);
    expect(await late(30)).toEqual([]);
    expect(await fixture.inside((tx) => readRun(tx, runId))).toMatchObject({
      state: { name: "Late" },
      reason: "late",
    });
    expect(await claim(fixture, { sessionId: await aSession(fixture) })).toHaveLength(1);
  });

  it("are found for held polls in all pools at once", async () => {
    const [one, two, three] = [
      await aWorkspace(database()),
      await aWorkspace(database()),
      await aWorkspace(database()),
    ];
    await someRuns(one, 1);
    await someRuns(three, 1);
    await three.inside((tx) => updatePool(tx, { name: "default", paused: true }));
    const asked = [one.poolId, two.poolId, three.poolId];
    expect(await database().asEngine((tx) => poolsWithClaimableRuns(tx, asked))).toEqual([
      one.poolId,
    ]);
  });

  it("say what they wait for", async () => {
    const fixture = await aWorkspace(database());
    const [answer] = await fixture.inside((tx) => createRuns(tx, [aNewRun()]));
    const runId = answer?.status === "created" ? answer.runId : "";
    const facts = () => fixture.inside((tx) => readWaitingFacts(tx, runId));
    expect(await facts()).toMatchObject({
      poolName: "default",
      onlineAgents: 0,
      freeSlots: 0,
      poolPaused: false,
    });
    await aSession(fixture, 3);
    await fixture.inside((tx) =>
      updatePool(tx, { name: "default", paused: true, concurrencyLimit: 9 }),
    );
    expect(await facts()).toMatchObject({
      onlineAgents: 1,
      freeSlots: 3,
      poolPaused: true,
      poolLimit: { limit: 9, taken: 0, heldBy: [] },
    });
    expect(await fixture.inside((tx) => readWaitingFacts(tx, randomUUID()))).toBeUndefined();
  });
});
