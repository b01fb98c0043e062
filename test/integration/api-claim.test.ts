import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { describeEachDatabase, waitFor } from "@downbeat/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  startTestApi,
  transition,
  type TestAgent,
  type TestApi,
  type TestWorkspace,
} from "./api-harness.ts";
import { aLease, aStage, claim, isHeld, openSession, report } from "./api-stage.ts";

describeEachDatabase("claiming over the API", ({ database }) => {
  let api: TestApi;
  let url: string;
  let here: TestWorkspace;

  beforeAll(async () => {
    api = await startTestApi(database());
    url = await api.app.listen({ host: "127.0.0.1", port: 0 });
    here = await api.workspace("here");
  });
  afterAll(() => api.app.close());

  /** A claim over a real connection of its own, which can be cut. */
  async function claimOverTheNetwork(agent: TestAgent, sessionId: string) {
    const headers = { "content-type": "application/json", authorization: `Bearer ${agent.token}` };
    const sent = httpRequest(`${url}/v1/agent/claim`, { method: "POST", headers, agent: false });
    const answer = once(sent, "response");
    answer.catch(() => undefined); // looked at by the test, later
    sent.end(JSON.stringify({ sessionId, claimRequestId: randomUUID(), max: 1, waitSeconds: 20 }));
    await waitFor(async () => (await connections()) > 0, { describe: "the connection" });
    return { answer, hangUp: () => sent.destroy() };
  }

  const connections = (): Promise<number> =>
    new Promise((resolve, reject) => {
      api.app.server.getConnections((error, count) =>
        error === null ? resolve(count) : reject(error),
      );
    });

  it("wakes a held claim when a run is made, without waiting for the poll", async () => {
    const stage = await aStage(api, here);
    const sessionId = await openSession(stage.agent);
    const waits: number[] = [];
    // One wake-up could meet the poll by chance; five under half its interval cannot.
    for (let round = 0; round < 5; round += 1) {
      const held = claim(stage.agent, sessionId, { waitSeconds: 20 });
      await waitFor(() => isHeld(held), { describe: "the claim to be held" });
      const startedMs = performance.now();
      const key = round % 2 === 0 ? {} : { idempotencyKey: randomUUID() };
      const body = { flowName: stage.flowName, ...key };
      const { id: runId } = await here.admin.call("createRun", { body });
      const { leases } = await held;
      waits.push(performance.now() - startedMs);
      expect(leases).toMatchObject([{ runId, epoch: 1 }]);
    }
    expect(waits.toSorted((a, b) => a - b)[2]).toBeLessThan(500);
  });

  it("gives a run to a held claim as it is made: it never waits", async () => {
    const stage = await aStage(api, here);
    const sessionId = await openSession(stage.agent);
    const body = { flowName: stage.flowName };
    await here.admin.call("createRun", { body }); // the process learns where its runs go
    await claim(stage.agent, sessionId);
    const held = claim(stage.agent, sessionId, { waitSeconds: 20 });
    await waitFor(() => isHeld(held), { describe: "the claim to be held" });
    const { id: runId } = await here.admin.call("createRun", { body });
    const { items } = await here.admin.call("listRunStates", { params: { runId } });
    expect(items.map(({ type }) => type)).toEqual(["SCHEDULED", "PENDING"]);
    expect(items[1]?.at).toBe(items[0]?.at);
    const { leases } = await held;
    expect(leases).toMatchObject([{ runId, epoch: 1, flowName: stage.flowName }]);
  });

  it("finds by its poll what no call in this process announced", async () => {
    const stage = await aStage(api, here);
    const sessionId = await openSession(stage.agent);
    const flowName = stage.flowName;
    const held = claim(stage.agent, sessionId, { waitSeconds: 20 });
    const scheduledFor = new Date(Date.now() + 1500).toISOString();
    const run = await here.admin.call("createRun", { body: { flowName, scheduledFor } });
    expect((await held).leases).toMatchObject([{ runId: run.id }]);
  });

  it("hands one run to one of many waiting agents", async () => {
    const stage = await aStage(api, here);
    const sessions = await Promise.all(Array.from({ length: 6 }, () => openSession(stage.agent)));
    const held = sessions.map((sessionId) => claim(stage.agent, sessionId, { waitSeconds: 3 }));
    await stage.trigger();
    const answers = await Promise.all(held);
    expect(answers.flatMap(({ leases }) => leases)).toHaveLength(1);
  });

  it("wakes past an agent that may not serve the queue", async () => {
    const stage = await aStage(api, here);
    const picky = await stage.agent.caller.call("openSession", {
      body: { capacity: 1, version: "test", queueNames: ["urgent"] },
    });
    const willing = await openSession(stage.agent);
    await stage.trigger(); // from then on the first in line is woken while a run is being committed
    expect((await claim(stage.agent, willing)).leases).toHaveLength(1);
    const pickyClaim = claim(stage.agent, picky.sessionId, { waitSeconds: 2 });
    const willingClaim = claim(stage.agent, willing, { waitSeconds: 20 });
    await waitFor(() => isHeld(willingClaim), { describe: "both claims to be held" });
    const runId = await stage.trigger();
    expect((await willingClaim).leases).toMatchObject([{ runId }]);
    expect((await pickyClaim).leases).toEqual([]);
  });

  it("wakes whoever waits where a deployment has moved since its last run", async () => {
    const [before, after] = [await aStage(api, here), await aStage(api, here)];
    const [old, present] = await Promise.all(
      [before, after].map(({ agent }) => openSession(agent)),
    );
    await before.trigger();
    expect((await claim(before.agent, old ?? "")).leases).toHaveLength(1);
    await here.deploy(before.flowName, after.poolName);
    const there = claim(before.agent, old ?? "", { waitSeconds: 1 });
    const held = claim(after.agent, present ?? "", { waitSeconds: 20 });
    await waitFor(() => isHeld(held), { describe: "both claims to be held" });
    const runId = await before.trigger();
    expect((await held).leases).toMatchObject([{ runId }]);
    expect((await there).leases).toEqual([]);
  });

  it("answers a repeated claim with the same leases", async () => {
    const stage = await aStage(api, here);
    const sessionId = await openSession(stage.agent);
    await stage.trigger();
    const claimRequestId = randomUUID();
    const first = await claim(stage.agent, sessionId, { claimRequestId });
    expect(first.leases).toHaveLength(1);
    expect(await claim(stage.agent, sessionId, { claimRequestId })).toEqual(first);
    expect((await claim(stage.agent, sessionId)).leases).toEqual([]);
  });

  it("claims nothing more for a caller who hung up while waiting", async () => {
    const stage = await aStage(api, here);
    const { answer, hangUp } = await claimOverTheNetwork(
      stage.agent,
      await openSession(stage.agent),
    );
    await waitFor(() => isHeld(answer), { describe: "the claim to be held" });
    hangUp();
    await expect(answer).rejects.toThrow(/hang up/);
    await waitFor(async () => (await connections()) === 0, { describe: "the server to notice" });
    const runId = await stage.trigger();
    const other = await openSession(stage.agent);
    expect((await claim(stage.agent, other)).leases).toMatchObject([{ runId, epoch: 1 }]);
  });

  it("gives back what was claimed for a caller who hung up meanwhile", async () => {
    const stage = await aStage(api, here);
    const sessionId = await openSession(stage.agent);
    const runId = await stage.trigger();
    const unlocked = aGate();
    const locked = aGate();
    // While this transaction has the session's row, the claim that needs it cannot finish.
    const holding = database().inWorkspace(here, async (tx) => {
      await tx.prisma
        .$queryRaw`select 1 from agent_session where id = ${sessionId}::uuid for update`;
      locked.open();
      await unlocked.opened;
    });
    await locked.opened;
    const { answer, hangUp } = await claimOverTheNetwork(stage.agent, sessionId);
    await waitFor(() => isHeld(answer), { describe: "the claim to wait for the row" });
    hangUp();
    await expect(answer).rejects.toThrow(/hang up/);
    await waitFor(async () => (await connections()) === 0, { describe: "the server to notice" });
    unlocked.open();
    await holding;
    const states = () => here.admin.call("listRunStates", { params: { runId } });
    const reasons = await waitFor(
      async () => {
        const found = (await states()).items.map(({ reason }) => reason);
        return found.includes("released") && found;
      },
      { describe: "the run to be given back" },
    );
    expect(reasons).toEqual(["created", "claimed", "released"]);
  });

  it("ends a session's first claim when a second comes in, and holds no claim of a closed session", async () => {
    const stage = await aStage(api, here);
    const sessionId = await openSession(stage.agent);
    const first = claim(stage.agent, sessionId, { waitSeconds: 20 });
    await waitFor(() => isHeld(first), { describe: "the first claim to be held" });
    const second = claim(stage.agent, sessionId, { waitSeconds: 20 });
    expect(await first).toEqual({ leases: [], drain: false });
    await waitFor(() => isHeld(second), { describe: "the second claim to be held" });
    await stage.agent.caller.call("release", { body: { sessionId, runs: [], endSession: true } });
    expect(await second).toEqual({ leases: [], drain: false });
    await expect(claim(stage.agent, sessionId)).rejects.toMatchObject({ code: "session_ended" });
  });

  it("never gives a session more than its capacity", async () => {
    const stage = await aStage(api, here);
    const sessionId = await openSession(stage.agent, 2);
    for (let runs = 0; runs < 4; runs += 1) await stage.trigger();
    expect((await claim(stage.agent, sessionId)).leases).toHaveLength(2);
    expect((await claim(stage.agent, sessionId)).leases).toHaveLength(0);
  });

  it("answers a held claim early, with nothing, when one of its session's runs is to be cancelled", async () => {
    const stage = await aStage(api, here);
    const { lease, sessionId } = await aLease(stage);
    await report(stage.agent, transition(lease, "RUNNING"));
    const held = claim(stage.agent, sessionId, { waitSeconds: 20 });
    await waitFor(() => isHeld(held), { describe: "the claim to be held" });
    const startedMs = performance.now();
    await here.admin.call("cancelRun", { params: { runId: lease.runId } });
    expect(await held).toEqual({ leases: [], drain: false });
    expect(performance.now() - startedMs).toBeLessThan(10_000);
    const beat = { sessionId, tick: 1, runs: [{ runId: lease.runId, epoch: lease.epoch }] };
    expect((await stage.agent.caller.call("heartbeat", { body: beat })).cancel).toEqual([
      lease.runId,
    ]);
  });

  it("answers held claims when it stops", async () => {
    const stopping = await startTestApi(database());
    const agent = await stopping.enrol(here);
    const { sessionId } = await agent.caller.call("openSession", {
      body: { capacity: 1, version: "test" },
    });
    const held = agent.caller.call("claim", {
      body: { sessionId, claimRequestId: randomUUID(), max: 1, waitSeconds: 20 },
    });
    await waitFor(() => isHeld(held), { describe: "the claim to be held" });
    const startedMs = performance.now();
    await stopping.app.close();
    expect(await held).toMatchObject({ leases: [], drain: false });
    expect(performance.now() - startedMs).toBeLessThan(10_000);
  });
});

function aGate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open: () => open() };
}
