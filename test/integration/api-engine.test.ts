import { randomUUID } from "node:crypto";
import { describeEachDatabase, waitFor } from "@downbeat/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startTestApi, transition, type TestApi, type TestWorkspace } from "./api-harness.ts";
import { aLease, aStage, claim, openSession, report } from "./api-stage.ts";

// Short enough to wait for, long enough that a busy machine does not lose a lease by accident.
const ENVIRONMENT = {
  DOWNBEAT_LEASE_SECONDS: "2",
  DOWNBEAT_HEARTBEAT_SECONDS: "1",
  DOWNBEAT_RECONNECT_WINDOW_SECONDS: "4",
  DOWNBEAT_SWEEP_SECONDS: "0.1",
  DOWNBEAT_LATE_AFTER_SECONDS: "0.5",
  DOWNBEAT_CANCEL_DEADLINE_SECONDS: "1",
};

describeEachDatabase("the engine", ({ database }) => {
  let api: TestApi;
  let here: TestWorkspace;

  beforeAll(async () => {
    api = await startTestApi(database(), { environment: ENVIRONMENT });
    here = await api.workspace("here");
  });
  afterAll(() => api.app.close());

  const read = (runId: string) => here.admin.call("readRun", { params: { runId } });
  const untilNamed = (runId: string, name: string) =>
    waitFor(async () => (await read(runId)).state.name === name, {
      describe: `${runId} to be ${name}`,
      deadlineMs: 20_000,
    });
  const reasonsOf = async (runId: string) =>
    (await here.admin.call("listRunStates", { params: { runId } })).items.map(
      ({ reason }) => reason,
    );

  it("names a run Late that nobody takes, which is still taken later", async () => {
    const stage = await aStage(api, here);
    const runId = await stage.trigger();
    await untilNamed(runId, "Late");
    const { leases } = await claim(stage.agent, await openSession(stage.agent));
    expect(leases).toMatchObject([{ runId }]);
  });

  it("shows a silent agent's run as Unreachable, takes it back when it beats, and lets it finish", async () => {
    const stage = await aStage(api, here);
    const { lease, sessionId } = await aLease(stage);
    await report(stage.agent, transition(lease, "RUNNING"));
    await untilNamed(lease.runId, "Unreachable");
    expect((await read(lease.runId)).why).toMatch(/not been heard of/);
    const runs = [{ runId: lease.runId, epoch: lease.epoch }];
    const beat = await stage.agent.caller.call("heartbeat", { body: { sessionId, tick: 1, runs } });
    expect(beat).toMatchObject({ fenced: [], cancel: [], intervals: { leaseSeconds: 2 } });
    await untilNamed(lease.runId, "Running");
    expect(await report(stage.agent, transition(lease, "COMPLETED"))).toEqual(["accepted"]);
  });

  it("crashes a run whose agent never comes back, and refuses its late completion", async () => {
    const stage = await aStage(api, here);
    const { lease } = await aLease(stage);
    await report(stage.agent, transition(lease, "RUNNING"));
    await untilNamed(lease.runId, "Crashed");
    expect(await reasonsOf(lease.runId)).toEqual([
      "created",
      "claimed",
      "started",
      "unreachable",
      "agent_lost",
    ]);
    expect(await report(stage.agent, transition(lease, "COMPLETED"))).toEqual(["rejected"]);
  });

  it("gives an unstarted run of a silent agent to another, whose claim is woken", async () => {
    const stage = await aStage(api, here);
    const { lease } = await aLease(stage);
    const next = await waitFor(
      async () => {
        const sessionId = await openSession(stage.agent);
        const { leases } = await claim(stage.agent, sessionId, {
          claimRequestId: randomUUID(),
          waitSeconds: 3,
        });
        return leases[0];
      },
      { describe: "the run to be claimable again", deadlineMs: 20_000 },
    );
    expect(next).toMatchObject({ runId: lease.runId, epoch: 2 });
    expect(await report(stage.agent, transition(lease, "RUNNING"))).toEqual(["fenced"]);
  });

  it("closes a cancellation that the agent does not confirm in time", async () => {
    const stage = await aStage(api, here);
    const { lease, sessionId } = await aLease(stage);
    await report(stage.agent, transition(lease, "RUNNING"));
    await here.admin.call("cancelRun", { params: { runId: lease.runId } });
    let tick = 0;
    await waitFor(
      async () => {
        await stage.agent.caller.call("heartbeat", {
          body: {
            sessionId,
            tick: (tick += 1),
            runs: [lease].map(({ runId, epoch }) => ({ runId, epoch })),
          },
        });
        return (await read(lease.runId)).state.name === "Cancelled";
      },
      { describe: "the deadline", deadlineMs: 20_000, intervalMs: 200 },
    );
    expect((await reasonsOf(lease.runId)).slice(-2)).toEqual([
      "cancel_requested",
      "cancel_deadline",
    ]);
  });

  it("settles what a living agent does not know of: unstarted runs go back, started ones crash", async () => {
    const stage = await aStage(api, here);
    const { lease, sessionId } = await aLease(stage);
    await report(stage.agent, transition(lease, "RUNNING"));
    let tick = 0;
    await waitFor(
      async () => {
        await stage.agent.caller.call("heartbeat", {
          body: { sessionId, tick: (tick += 1), runs: [] },
        });
        return (await read(lease.runId)).state.type === "CRASHED";
      },
      { describe: "CRASHED", deadlineMs: 20_000, intervalMs: 200 },
    );
    expect((await reasonsOf(lease.runId)).at(-1)).toBe("abandoned");
  });
});
