import type { Run, RunFilter } from "@downbeat/contract";
import { createRuns, listRuns, upsertDeployments } from "@downbeat/db";
import {
  createDatabase,
  describeEachDatabase,
  withClient,
  type TestDatabase,
} from "@downbeat/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fillRuns } from "../bench/fill-runs.ts";
import { Random } from "../simulation/random.ts";
import {
  aDeployment,
  aNewRun,
  aScriptRun,
  aWorkspace,
  idAt,
  moveRuns,
  type Fixture,
} from "./db-fixture.ts";
import { everyPage } from "./every-page.ts";
import { migrateAgain } from "./migrate-again.ts";
import { rowsLookedAt } from "./rows-looked-at.ts";

/** Over 90 days: two in three minutes. */
const RUNS = 60_000;
/** Rows of runs, live or not, that a page may look at. */
const MOST_ROWS = 250;
const LIMIT = 50;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** A few runs at a time. */
const PAGE_LIMIT = 7;

type Filter = Partial<RunFilter>;

const TWO_DAYS_AGO = Date.now() - 2 * DAY_MS;
const SHORTLY = {
  createdAfter: instant(TWO_DAYS_AGO),
  createdBefore: instant(TWO_DAYS_AGO + HOUR_MS / 2),
};

const PAGES: Readonly<Record<string, Filter>> = {
  "in the last minutes": { createdAfter: instant(Date.now() - 5 * MINUTE_MS) },
  before: { createdBefore: instant(TWO_DAYS_AGO) },
  "in half an hour": SHORTLY,
  "in half an hour, in a common state": { ...SHORTLY, stateType: ["COMPLETED"] },
  "in half an hour, in any state": {
    ...SHORTLY,
    stateType: ["COMPLETED", "FAILED", "RUNNING", "SCHEDULED"],
  },
  "in half an hour, of a common deployment": {
    ...SHORTLY,
    flowName: "etl",
    deploymentName: "default",
  },
  "in half an hour, of a common flow in a common state": {
    ...SHORTLY,
    flowName: "etl",
    stateType: ["COMPLETED"],
  },
};

// Embedded, the plans are the same, and filling is not to be had.
describe("pages of runs that were made", () => {
  let made: TestDatabase;
  let fixture: Fixture;

  beforeAll(async () => {
    made = await createDatabase("postgres");
    fixture = await aWorkspace(made.database);
    await fixture.inside((tx) => upsertDeployments(tx, [aDeployment("rare")]));
    await fillRuns(made.place.options.url ?? "", { runs: RUNS, common: "etl", rare: "rare" });
  }, 60_000);
  afterAll(() => made.drop());

  it.each(Object.entries(PAGES))("%s look at these", async (_, filter) => {
    const query = { limit: LIMIT, ...filter } as RunFilter;
    const looked = await fixture.inside((tx) =>
      rowsLookedAt(tx, "^(live|flow|ended)_run", () => listRuns(tx, query)),
    );
    expect(looked).toBeLessThan(MOST_ROWS);
  });
});

describeEachDatabase("pages of runs made in a time", ({ database }) => {
  it("hold those whose ids tell another one", async () => {
    const fixture = await aWorkspace(database());
    await makeHistory(fixture, new Random(34));
    const all = await everyPage(fixture, {}, PAGE_LIMIT);
    expect(all.filter(isStray).length).toBeGreaterThan(10);
    for (const filter of filters(new Random(35))) {
      const expected = all.filter((run) => isOf(run, filter)).map(({ id }) => id);
      const found = (await everyPage(fixture, filter, PAGE_LIMIT)).map(({ id }) => id);
      expect({ filter, found }).toEqual({ filter, found: expected });
    }
  });
});

describe("runs whose ids tell another time than they were made at", () => {
  it("are told from the others they are made with, to the millisecond", async () => {
    const made = await createDatabase("postgres");
    const fixture = await aWorkspace(made.database);
    const at = Date.parse("2026-03-01T12:00:00.123Z");
    const create = async (...offByMs: readonly number[]): Promise<void> => {
      const ids = offByMs.map((ms) => idAt(at + ms));
      const rows = ids.map((runId) => aNewRun({ runId, idempotencyKey: runId }));
      await fixture.inside((tx) => createRuns(tx, rows, new Date(at)));
    };
    await create(0, -60_001, -60_000, 59_999, 60_000);
    await create(-60_000, 59_999);
    await create(-60_001);
    await create(60_000);
    const found = await strays(made.place.options.url ?? "");
    const offBy = found.map(({ id }) => timeOf(id) - at);
    expect(offBy).toEqual([-60_001, -60_001, 60_000, 60_000]);
    await made.drop();
  });

  it("are the same before and after the table tells them", async () => {
    const made = await createDatabase("postgres");
    const url = made.place.options.url ?? "";
    const fixture = await aWorkspace(made.database);
    await makeHistory(fixture, new Random(34));
    const before = await strays(url);
    expect(before.length).toBeGreaterThan(10);
    await migrateAgain(url, {
      migration: "0034",
      undo: "alter table flow_run drop column stray_id",
    });
    expect(await strays(url)).toEqual(before);
    await made.drop();
  });
});

const OFF_BY_MS = [
  0,
  30_000,
  -30_000,
  3 * MINUTE_MS,
  -3 * MINUTE_MS,
  20 * HOUR_MS,
  -5 * DAY_MS,
] as const;

/** Runs of the last two hours, with ids of callers whose clocks differ, some ended; a plain script's. */
async function makeHistory(fixture: Fixture, random: Random): Promise<void> {
  await fixture.inside((tx) => upsertDeployments(tx, [aDeployment("train")]));
  for (let made = 0; made < 60; made += 1) {
    const at = Date.now() - random.pick([0, 1, 5, 30, 31, 60, 119] as const) * MINUTE_MS;
    const runId = idAt(at + random.pick(OFF_BY_MS));
    const row = aNewRun({
      runId,
      idempotencyKey: runId,
      flowName: random.pick(["etl", "train"] as const),
    });
    await fixture.inside((tx) => createRuns(tx, [row], new Date(at)));
    if (made % 3 === 0) await moveRuns(fixture, [runId], [["FAILED", "Failed", "failed"]]);
  }
  await aScriptRun(fixture, "etl");
}

const WHICH: readonly [Filter, ...Filter[]] = [
  {},
  { flowName: "etl" },
  { flowName: "train", deploymentName: "default" },
];
const STATES: readonly [Filter, ...Filter[]] = [
  {},
  { stateType: ["FAILED"] },
  { stateType: ["SCHEDULED", "RUNNING"] },
];

function filters(random: Random): Filter[] {
  return Array.from({ length: 40 }, () => {
    const [after, before] = [
      random.pick([1, 6, 40, 90, 130] as const),
      random.pick([null, 0, 3, 20, 45] as const),
    ];
    return {
      ...(random.pick([true, true, false] as const) && {
        createdAfter: instant(Date.now() - after * MINUTE_MS),
      }),
      ...(before !== null && { createdBefore: instant(Date.now() - before * MINUTE_MS) }),
      ...random.pick(WHICH),
      ...random.pick(STATES),
    };
  });
}

function isOf({ createdAt, flowName, deploymentName, state }: Run, filter: Filter): boolean {
  const { createdAfter = "", createdBefore = "~", stateType } = filter;
  return (
    createdAt >= createdAfter &&
    createdAt < createdBefore &&
    (filter.flowName === undefined || flowName === filter.flowName) &&
    (filter.deploymentName === undefined || deploymentName === filter.deploymentName) &&
    (stateType === undefined || stateType.includes(state.type))
  );
}

function isStray({ id, createdAt }: Run): boolean {
  return Math.abs(timeOf(id) - Date.parse(createdAt)) > MINUTE_MS;
}

function timeOf(id: string): number {
  return Number.parseInt(id.replaceAll("-", "").slice(0, 12), 16);
}

/** The rows of the table, which no policy keeps from a superuser. */
function strays(url: string): Promise<{ id: string }[]> {
  return withClient(url, async (client) => {
    const { rows } = await client.query("select id from flow_run where stray_id order by id");
    return rows as { id: string }[];
  });
}

function instant(atMs: number): string {
  return new Date(atMs).toISOString();
}
