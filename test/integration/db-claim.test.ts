import { randomUUID } from "node:crypto";
import {
  claimAlone,
  claimRuns,
  createRuns,
  heartbeat,
  listRunStates,
  readRun,
  updateDeployment,
  updatePool,
  upsertQueue,
} from "@downbeat/db";
import { describeEachDatabase } from "@downbeat/testkit";
import { expect, it } from "vitest";
import { aNewRun, aSession, aWorkspace, claim, someRuns } from "./db-fixture.ts";
import { NOT_SIMPLE } from "./limits-fixture.ts";

describeEachDatabase("claiming runs", ({ database }) => {
  it("leases runs oldest first and writes who took them", async () => {
    const fixture = await aWorkspace(database());
    const ids = await someRuns(fixture, 3);
    const sessionId = await aSession(fixture);
    const leases = await claim(fixture, { sessionId, max: 2 });
    expect(leases.map(({ runId }) => runId)).toEqual(ids.slice(0, 2));
    expect(leases[0]).toMatchObject({
      epoch: 1,
      flowName: "etl",
      deploymentName: "default",
      parameters: null,
    });
    expect(new Set(leases.map(({ leaseToken }) => leaseToken)).size).toBe(2);
    expect(leases[0]?.leaseToken).toMatch(/^[0-9a-f]{32}$/);
    const run = await fixture.inside((tx) => readRun(tx, ids[0] ?? ""));
    expect(run).toMatchObject({
      state: { type: "PENDING" },
      agentId: fixture.agentId,
      agentName: "agent-1",
      epoch: 1,
    });
    const history = await fixture.inside((tx) => listRunStates(tx, ids[0] ?? ""));
    expect(history.map(({ type, sequence, actor }) => [type, sequence, actor.kind])).toEqual([
      ["SCHEDULED", 0, "api-key"],
      ["PENDING", 1, "agent"],
    ]);
  });

  it("answers a repeated claim with the same leases", async () => {
    const fixture = await aWorkspace(database());
    await someRuns(fixture, 4);
    const sessionId = await aSession(fixture);
    const claimRequestId = randomUUID();
    const first = await claim(fixture, { sessionId, max: 2, claimRequestId });
    const again = await claim(fixture, { sessionId, max: 2, claimRequestId });
    expect(again).toEqual(first);
    expect(await claim(fixture, { sessionId, max: 4 })).toHaveLength(2);
  });

  it("never gives a run to two of twenty claims at once", async () => {
    const fixture = await aWorkspace(database());
    const ids = await someRuns(fixture, 50);
    const sessions = await Promise.all(Array.from({ length: 20 }, () => aSession(fixture)));
    const answers = await Promise.all(
      sessions.map((sessionId) => claim(fixture, { sessionId, max: 5 })),
    );
    // A claim skips rows that another holds for the moment, so a second look may be needed; never a second owner.
    const rest = await claim(fixture, { sessionId: sessions[0] ?? "", max: 100 });
    const taken = [...answers.flat(), ...rest].map(({ runId }) => runId);
    expect(taken).toHaveLength(50);
    expect(new Set(taken)).toEqual(new Set(ids));
  });

  it("answers one request id once, however many send it together", async () => {
    const fixture = await aWorkspace(database());
    await someRuns(fixture, 20);
    const sessionId = await aSession(fixture);
    const claimRequestId = randomUUID();
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => claim(fixture, { sessionId, max: 3, claimRequestId })),
    );
    expect(new Set(answers.flat().map(({ runId }) => runId)).size).toBe(3);
  });

  it("keeps to the session's capacity over claims made together", async () => {
    const fixture = await aWorkspace(database());
    await someRuns(fixture, 20);
    const sessionId = await aSession(fixture, 5);
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => claim(fixture, { sessionId, max: 4 })),
    );
    expect(answers.flat()).toHaveLength(5);
  });

  it("keeps to the pool's limit over several sessions", async () => {
    const fixture = await aWorkspace(database());
    await someRuns(fixture, 20);
    await fixture.inside((tx) => updatePool(tx, { name: "default", concurrencyLimit: 7 }));
    const sessions = await Promise.all(Array.from({ length: 4 }, () => aSession(fixture)));
    const answers = await Promise.all(
      sessions.map((sessionId) => claim(fixture, { sessionId, max: 5 })),
    );
    expect(answers.flat().length).toBeLessThanOrEqual(7);
    const rest = await claim(fixture, { sessionId: sessions[0] ?? "" });
    expect(answers.flat().length + rest.length).toBe(7);
  });

  it("leaves alone what is paused, and takes it after", async () => {
    const fixture = await aWorkspace(database());
    const created = await fixture.inside((tx) => createRuns(tx, [aNewRun()]));
    const sessionId = await aSession(fixture);
    const pausing = [
      (paused: boolean) => fixture.inside((tx) => updatePool(tx, { name: "default", paused })),
      (paused: boolean) =>
        fixture.inside((tx) =>
          upsertQueue(tx, { poolName: "default", name: "default", priority: 100, paused }),
        ),
      (paused: boolean) =>
        fixture.inside((tx) =>
          updateDeployment(tx, {
            id: created[0]?.status === "created" ? (created[0].run().deploymentId ?? "") : "",
            paused,
          }),
        ),
    ];
    for (const pause of pausing) {
      expect(await pause(true)).toMatchObject({ name: "default" });
      expect(await claim(fixture, { sessionId })).toEqual([]);
      await pause(false);
    }
    expect(await claim(fixture, { sessionId })).toHaveLength(1);
  });

  it("leaves alone what is not due", async () => {
    const fixture = await aWorkspace(database());
    const inAnHour = new Date(Date.now() + 3_600_000).toISOString();
    await fixture.inside((tx) => createRuns(tx, [aNewRun({ scheduledFor: inAnHour })]));
    const sessionId = await aSession(fixture, 10, 7_200);
    expect(await claim(fixture, { sessionId })).toEqual([]);
    expect(await claim(fixture, { sessionId, now: new Date(Date.now() + 3_601_000) })).toHaveLength(
      1,
    );
  });

  it("gives a lapsed session nothing new until it beats, without calling it ended", async () => {
    const fixture = await aWorkspace(database());
    await someRuns(fixture, 2);
    const sessionId = await aSession(fixture, 10, 45);
    const now = new Date(Date.now() + 60_000);
    const claimRequestId = randomUUID();
    const before = await claim(fixture, { sessionId, claimRequestId, max: 1 });
    expect(before).toHaveLength(1);
    expect(await claim(fixture, { sessionId, now })).toEqual([]);
    expect(await claim(fixture, { sessionId, now, claimRequestId })).toEqual(before);
    const beat = { sessionId, principalId: fixture.agentId, tick: 1 };
    await fixture.inside((tx) => heartbeat(tx, [beat], { leaseSeconds: 45, now }));
    expect(await claim(fixture, { sessionId, now })).toHaveLength(1);
  });

  it("refuses a session of another agent", async () => {
    const fixture = await aWorkspace(database());
    const other = await aWorkspace(database());
    const sessionId = await aSession(fixture, 10, 45);
    await expect(claim(other, { sessionId })).rejects.toMatchObject({ code: "session_ended" });
    await expect(
      claim({ ...fixture, agentId: other.agentId }, { sessionId }),
    ).rejects.toMatchObject({
      code: "session_ended",
    });
  });
});

describeEachDatabase("claiming in one round trip", ({ database }) => {
  it("takes what the long way would have taken, oldest first", async () => {
    const fixture = await aWorkspace(database());
    const ids = await someRuns(fixture, 5);
    const sessionId = await aSession(fixture);
    const asked = { sessionId, max: 2 };
    const alone = await claim(fixture, asked, claimAlone);
    const usual = await claim(fixture, asked);
    expect(alone.map(({ runId }) => runId)).toEqual(ids.slice(0, 2));
    const unlike = {
      runId: expect.any(String),
      leaseToken: expect.stringMatching(/^[0-9a-f]{32}$/),
    };
    expect(alone).toEqual(usual.map((lease) => ({ ...lease, ...unlike })));
    const history = await fixture.inside((tx) => listRunStates(tx, ids[0] ?? ""));
    expect(history.map(({ type, sequence, actor }) => [type, sequence, actor])).toMatchObject([
      ["SCHEDULED", 0, { kind: "api-key" }],
      ["PENDING", 1, { kind: "agent", id: fixture.agentId }],
    ]);
  });

  it("keeps to the session's capacity, and gives no run twice, over claims made together", async () => {
    const fixture = await aWorkspace(database());
    await someRuns(fixture, 20);
    const sessionId = await aSession(fixture, 5);
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, at) =>
        claim(fixture, { sessionId, max: 4 }, at % 2 === 0 ? claimAlone : claimRuns),
      ),
    );
    expect(new Set(answers.flat().map(({ runId }) => runId)).size).toBe(5);
    expect(answers.flat()).toHaveLength(5);
  });

  it("takes once for one request id, however many send it together", async () => {
    const fixture = await aWorkspace(database());
    await someRuns(fixture, 20);
    const asked = { sessionId: await aSession(fixture), max: 3, claimRequestId: randomUUID() };
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => claim(fixture, asked, claimAlone)),
    );
    expect(answers.flat()).toHaveLength(3);
    expect(await claim(fixture, asked)).toEqual(answers.flat());
  });

  it.each(NOT_SIMPLE)("leaves %s to the long way", async (_, change) => {
    const fixture = await aWorkspace(database());
    await someRuns(fixture, 2);
    const sessionId = await aSession(fixture);
    await change(fixture);
    expect(await claim(fixture, { sessionId }, claimAlone)).toEqual([]);
  });

  it("gives nothing to a lapsed session, to one of another agent, or before the time", async () => {
    const fixture = await aWorkspace(database());
    const other = await aWorkspace(database());
    const inAnHour = new Date(Date.now() + 3_600_000);
    await fixture.inside((tx) =>
      createRuns(tx, [aNewRun({ scheduledFor: inAnHour.toISOString() })]),
    );
    const sessionId = await aSession(fixture, 10, 45);
    expect(await claim(fixture, { sessionId }, claimAlone)).toEqual([]);
    expect(await claim(fixture, { sessionId, now: inAnHour }, claimAlone)).toEqual([]);
    await someRuns(fixture, 1);
    const foreign = { ...fixture, agentId: other.agentId };
    expect(await claim(foreign, { sessionId }, claimAlone)).toEqual([]);
    expect(await claim(fixture, { sessionId }, claimAlone)).toHaveLength(1);
  });
});
