import { randomUUID } from "node:crypto";
import {
  createRuns,
  insertLeasedRun,
  listRunStates,
  readRun,
  upsertDeployments,
  type InsertedAndClaimed,
  type NewRun,
} from "@downbeat/db";
import { describeEachDatabase } from "@downbeat/testkit";
import { expect, it } from "vitest";
import {
  aBlob,
  aDeployment,
  aNewRun,
  aSession,
  aWorkspace,
  claim,
  someRuns,
  type Fixture,
} from "./db-fixture.ts";
import { deployLimited, NOT_SIMPLE } from "./limits-fixture.ts";

describeEachDatabase("making a run for a claim that waits", ({ database }) => {
  it("leases it as a claim right behind would have", async () => {
    const fixture = await aWorkspace(database());
    const asked = { sessionId: await aSession(fixture), claimRequestId: randomUUID() };
    const { inserted, claimed } = await make(fixture, asked, { tags: ["mine"] });
    const [lease] = claimed.leases;
    expect(inserted).toMatchObject({ status: "created", runId: lease?.runId, isDue: true });
    expect(claimed.sequences).toEqual([1]);
    const [again] = await claim(fixture, asked);
    expect({ ...lease, ...claimed.deployments[0] }).toMatchObject({ ...again, deployment: 0 });
    const run = await fixture.inside((tx) => readRun(tx, lease?.runId ?? ""));
    expect(run).toMatchObject({ state: { type: "PENDING" }, agentName: "agent-1", epoch: 1 });
    expect(run?.tags).toEqual(["mine", "nightly"]);
    const history = await fixture.inside((tx) => listRunStates(tx, lease?.runId ?? ""));
    expect(history.map(({ type, sequence, actor }) => [type, sequence, actor])).toMatchObject([
      ["SCHEDULED", 0, { kind: "api-key" }],
      ["PENDING", 1, { kind: "agent", id: fixture.agentId }],
    ]);
  });

  it("carries what the row brings", async () => {
    const fixture = await aWorkspace(database());
    const given = {
      parameters: aBlob("parameters"),
      signature: `eyJhbGciOiJFUzI1NiJ9.eyJhIjoxfQ.${"A".repeat(86)}`,
      runId: randomUUID(),
    };
    const { claimed } = await make(fixture, { sessionId: await aSession(fixture) }, given);
    expect(claimed.leases).toMatchObject([{ ...given, epoch: 1, inputs: [], resultsFrom: 0 }]);
  });

  it.each(NOT_SIMPLE)("makes it wait if there is %s", async (_, change) => {
    const fixture = await aWorkspace(database());
    const sessionId = await aSession(fixture);
    await deployLimited(fixture, "etl", {});
    await change(fixture);
    expect(await waiting(fixture, await make(fixture, { sessionId }))).toEqual(WAITING);
  });

  it("makes it wait behind what is due already, but not behind what is planned", async () => {
    const fixture = await aWorkspace(database());
    const sessionId = await aSession(fixture);
    const scheduledFor = new Date(Date.now() + 3_600_000).toISOString();
    await fixture.inside((tx) => createRuns(tx, [aNewRun({ scheduledFor })]));
    expect((await make(fixture, { sessionId })).claimed.leases).toHaveLength(1);
    expect(await waiting(fixture, await make(fixture, { sessionId }, { scheduledFor }))).toEqual(
      WAITING,
    );
    await someRuns(fixture, 1);
    expect(await waiting(fixture, await make(fixture, { sessionId }))).toEqual(WAITING);
  });

  it("makes it wait where so many lines are planned that looking at each would take long", async () => {
    const fixture = await aWorkspace(database());
    const sessionId = await aSession(fixture);
    const scheduledFor = new Date(Date.now() + 3_600_000).toISOString();
    const plan = async (flowNames: readonly string[]): Promise<void> => {
      const rows = flowNames.map((flowName) => aNewRun({ flowName, scheduledFor }));
      await fixture.inside((tx) =>
        upsertDeployments(
          tx,
          flowNames.map((flowName) => aDeployment(flowName)),
        ),
      );
      await fixture.inside((tx) => createRuns(tx, rows));
    };
    await plan(Array.from({ length: 64 }, (_, at) => `planned-${at}`));
    expect((await make(fixture, { sessionId })).claimed.leases).toHaveLength(1);
    await plan(["one-more"]);
    expect(await waiting(fixture, await make(fixture, { sessionId }))).toEqual(WAITING);
  });

  it("keeps to the session's capacity, over runs made and claims made together", async () => {
    const fixture = await aWorkspace(database());
    const sessionId = await aSession(fixture, 3);
    const taken = await Promise.all(
      Array.from({ length: 12 }, async (_, at) =>
        at % 2 === 0
          ? (await make(fixture, { sessionId })).claimed.leases
          : claim(fixture, { sessionId }),
      ),
    );
    const more = await claim(fixture, { sessionId });
    const ids = [...taken.flat(), ...more].map(({ runId }) => runId);
    expect(ids).toHaveLength(3);
    expect(new Set(ids).size).toBe(3);
  });

  it("answers one request id once", async () => {
    const fixture = await aWorkspace(database());
    const asked = { sessionId: await aSession(fixture), claimRequestId: randomUUID() };
    const made = await Promise.all(Array.from({ length: 4 }, () => make(fixture, asked)));
    const leases = made.flatMap(({ claimed }) => claimed.leases);
    expect(leases).toHaveLength(1);
    expect((await claim(fixture, asked)).map(({ runId }) => runId)).toEqual([leases[0]?.runId]);
  });

  it("gives nothing to a lapsed session or to one of another agent", async () => {
    const fixture = await aWorkspace(database());
    const other = await aWorkspace(database());
    const sessionId = await aSession(fixture, 10, 45);
    const now = new Date(Date.now() + 3_600_000);
    expect(await waiting(fixture, await make(fixture, { sessionId, now }))).toEqual(WAITING);
    const fresh = await aWorkspace(database());
    const foreign = { ...fresh, agentId: other.agentId };
    const ofOther = await make(foreign, { sessionId: await aSession(fresh) });
    expect(await waiting(fresh, ofOther)).toEqual(WAITING);
  });

  it("makes no run of a key twice, nor gives it away again", async () => {
    const fixture = await aWorkspace(database());
    const sessionId = await aSession(fixture);
    const row = { idempotencyKey: "k" };
    expect((await make(fixture, { sessionId }, row)).claimed.leases).toHaveLength(1);
    const again = await make(fixture, { sessionId }, row);
    expect(again).toMatchObject({ inserted: { status: "taken" }, claimed: { leases: [] } });
    const unknown = await make(fixture, { sessionId }, { flowName: "none" });
    expect(unknown).toMatchObject({ inserted: { status: "unknown" }, claimed: { leases: [] } });
  });

  it("makes the run without waiting for a claim that holds the session", async ({ skip }) => {
    skip(database().kind === "pglite", "has one connection");
    const fixture = await aWorkspace(database());
    const sessionId = await aSession(fixture);
    await fixture.inside(async (tx) => {
      await tx.prisma
        .$queryRaw`select from agent_session where id = ${sessionId}::uuid for no key update`;
      expect(await waiting(fixture, await make(fixture, { sessionId }))).toEqual(WAITING);
    });
  });
});

type Asked = { sessionId: string; claimRequestId?: string; now?: Date };

function make(
  fixture: Fixture,
  { sessionId, claimRequestId = randomUUID(), now }: Asked,
  given: Partial<NewRun> = {},
): Promise<InsertedAndClaimed> {
  const principalId = fixture.agentId;
  const asked = { sessionId, claimRequestId, principalId, max: 1, now: now ?? null };
  return fixture.inside((tx) => insertLeasedRun(tx, aNewRun(given), asked));
}

/** How the made run stands, if nobody was given it. */
async function waiting(
  fixture: Fixture,
  { inserted, claimed }: InsertedAndClaimed,
): Promise<unknown> {
  if (claimed.leases.length > 0) return claimed.leases;
  if (inserted.status !== "created") throw new Error(`The run was not made: ${inserted.status}`);
  const run = await fixture.inside((tx) => readRun(tx, inserted.runId));
  return run && [run.state.type, run.reason, run.epoch];
}

const WAITING = ["SCHEDULED", "created", 0];
