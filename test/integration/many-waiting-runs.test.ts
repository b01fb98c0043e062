import type { RunFilter, StateType } from "@downbeat/contract";
import {
  claimAlone,
  claimRuns,
  createPool,
  createRuns,
  findDescendants,
  listRuns,
  markLate,
  sweepPauses,
  sweepSessions,
  upsertDeployments,
  type EngineTx,
  type Tx,
} from "@downbeat/db";
import { createDatabase, withClient, type TestDatabase } from "@downbeat/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  aDeployment,
  aNewRun,
  aScriptRun,
  aSession,
  aWorkspace,
  claim,
  moveRuns,
  someRuns,
  type Fixture,
} from "./db-fixture.ts";
import { rowsLookedAt } from "./rows-looked-at.ts";

const WAITING = 20_000;
const HELD = 1000;
const BATCH = 500;
/** Rows of runs that anything may look at that does not ask for what waits. */
const MOST_ROWS = 200;
/** Of the deployment `rare`, made before all others: the last that a look through the newest would find. */
const RARE = 3;
const LIMIT = 50;
/** A page of what waits of one deployment may look at so many before it looks through all. */
const MOST_OF_ONE = 2 * 2001 + MOST_ROWS;
const TOMORROW = new Date(Date.now() + 86_400_000).toISOString();

// Embedded, the plans are the same.
describe.each([
  ["has counted", "analyze"],
  ["has not counted yet", "select"],
])("among many runs that wait for tomorrow, which the planner %s,", (_, statement) => {
  let made: TestDatabase;
  let fixture: Fixture;

  beforeAll(async () => {
    made = await createDatabase("postgres");
    fixture = await aWorkspace(made.database);
    await fixture.inside((tx) => createPool(tx, { name: "rare" }));
    await fixture.inside((tx) =>
      upsertDeployments(tx, [{ ...aDeployment("rare"), poolName: "rare" }]),
    );
    const rare = aNewRun({ flowName: "rare", scheduledFor: TOMORROW });
    await fixture.inside((tx) =>
      createRuns(
        tx,
        Array.from({ length: RARE }, () => rare),
      ),
    );
    const rows = Array.from({ length: BATCH }, () => aNewRun({ scheduledFor: TOMORROW }));
    for (let count = 0; count < WAITING; count += BATCH)
      await fixture.inside((tx) => createRuns(tx, rows));
    await withClient(made.place.options.url ?? "", (client) => client.query(statement));
  }, 60_000);
  afterAll(() => made.drop());

  it.each(Object.entries({ claimAlone, claimRuns }))(
    "%s looks at those that are due",
    async (_, by) => {
      const sessionId = await aSession(fixture);
      const [runId] = await someRuns(fixture, 1);
      const looked = await fixture.inside((tx) =>
        looking(tx, async () => {
          const open = { ...tx, ends: () => {} }; // what is counted follows
          const inside: Fixture["inside"] = (work) => work(open);
          const leases = await claim({ ...fixture, inside }, { sessionId }, by);
          expect(leases.map((lease) => lease.runId)).toEqual([runId]);
        }),
      );
      expect(looked).toBeLessThan(MOST_ROWS);
    },
  );

  it.each<[StateType[]]>([[["RUNNING"]], [["PENDING", "PAUSED", "CANCELLING"]]])(
    "a page of runs that are %s looks at those that an agent has taken",
    async (stateType) => {
      const filter = { stateType, limit: 50 } as RunFilter;
      const looked = await fixture.inside((tx) => looking(tx, () => listRuns(tx, filter)));
      expect(looked).toBeLessThan(MOST_ROWS);
    },
  );

  it.each<[string, Partial<RunFilter>]>([
    ["a deployment", { flowName: "rare", deploymentName: "default" }],
    ["a flow", { flowName: "rare" }],
    ["a pool", { poolName: "rare" }],
  ])("a page of those of %s that has few looks at these", async (_name, given) => {
    const filter = { ...given, stateType: ["SCHEDULED", "RUNNING"], limit: LIMIT } as RunFilter;
    const looked = await fixture.inside((tx) =>
      looking(tx, async () => expect((await listRuns(tx, filter)).items).toHaveLength(RARE)),
    );
    expect(looked).toBeLessThan(MOST_ROWS);
  });

  it("a page of those of a deployment that has most of them is not far to seek", async () => {
    const waiting = (tx: Tx, given: Partial<RunFilter>) =>
      listRuns(tx, { ...given, stateType: ["SCHEDULED"], limit: LIMIT } as RunFilter);
    await fixture.inside(async (tx) => {
      const { items } = await waiting(tx, {});
      const looked = await looking(tx, async () =>
        expect(await waiting(tx, { flowName: "etl", deploymentName: "default" })).toMatchObject({
          items,
        }),
      );
      expect(looked).toBeLessThan(MOST_OF_ONE);
    });
  });

  it("a page of those of a flow holds what waits though it is of no deployment", async () => {
    const runId = await aScriptRun(fixture, "rare");
    await moveRuns(fixture, [runId], [["SCHEDULED", "AwaitingRetry", "retry_scheduled"]]);
    const filter = { flowName: "rare", stateType: ["SCHEDULED"], limit: LIMIT } as RunFilter;
    const { items } = await fixture.inside((tx) => listRuns(tx, filter));
    expect(items.map(({ id }) => id)).toContain(runId);
    expect(items).toHaveLength(RARE + 1);
  });

  it("shows the runs of each live state", async () => {
    const sessionId = await aSession(fixture);
    const [pending = "", running = "", paused = ""] = await someRuns(fixture, 3);
    await claim(fixture, { sessionId });
    await moveRuns(fixture, [running, paused], [["RUNNING", "Running", "started"]]);
    await moveRuns(fixture, [paused], [["PAUSED", "Paused", "pause_requested"]]);
    const page = async (stateType: StateType[]): Promise<string[]> => {
      const { items } = await fixture.inside((tx) =>
        listRuns(tx, { stateType, limit: 50 } as RunFilter),
      );
      return items.map(({ id }) => id);
    };
    expect(await page(["RUNNING"])).toContain(running);
    expect(await page(["PAUSED"])).toEqual([paused]);
    expect(await page(["PENDING", "PAUSED"])).toEqual(expect.arrayContaining([pending, paused]));
    expect((await page(["RUNNING", "SCHEDULED"])).length).toBe(50);
  });

  it("looks for children by their parent", async () => {
    const [parent = ""] = await someRuns(fixture, 1);
    const looked = await fixture.inside((tx) => looking(tx, () => findDescendants(tx, [parent])));
    expect(looked).toBeLessThan(MOST_ROWS);
  });

  it.each<[string, (tx: EngineTx) => Promise<unknown>]>([
    ["pauses that are over", (tx) => sweepPauses(tx)],
    ["runs that are late", (tx) => markLate(tx, { lateAfterSeconds: 3600 })],
  ])("the engine looks for %s alone", async (_, work) => {
    const looked = await made.database.asEngine((tx) => looking(tx, () => work(tx)));
    expect(looked).toBeLessThan(MOST_ROWS);
  });
});

describe("among many runs that are due", () => {
  it("the engine names those that are late without looking at all of them each time", async () => {
    const made = await createDatabase("postgres");
    const fixture = await aWorkspace(made.database);
    await someRuns(fixture, WAITING / 4);
    const inAnHour = { lateAfterSeconds: 60, now: new Date(Date.now() + 3_600_000), limit: 100 };
    const named = new Set<string>();
    for (let call = 0; call < 2; call += 1) {
      const looked = await made.database.asEngine((tx) =>
        looking(tx, async () => {
          for (const { runId } of await markLate(tx, inAnHour)) named.add(runId);
        }),
      );
      expect(looked).toBeLessThan(WAITING / 8);
    }
    expect(named.size).toBe(200);
    await made.drop();
  });
});

describe("among many runs that one agent holds", () => {
  it("the engine looks at each once when nothing has happened to them", async () => {
    const made = await createDatabase("postgres");
    const fixture = await aWorkspace(made.database);
    const sessionId = await aSession(fixture, HELD);
    await someRuns(fixture, HELD);
    expect(await claim(fixture, { sessionId, max: HELD })).toHaveLength(HELD);
    const sweep = { reconnectWindowSeconds: 60, cancelDeadlineSeconds: 60 };
    const looked = await made.database.asEngine((tx) =>
      looking(tx, () => sweepSessions(tx, sweep)),
    );
    expect(looked).toBeLessThan(1.5 * HELD);
    await made.drop();
  });
});

/** How many rows of runs, live or not, some work looks at. */
function looking(tx: Pick<Tx, "prisma">, work: () => Promise<unknown>): Promise<number> {
  return rowsLookedAt(tx, "^(live|flow)_run", work);
}
