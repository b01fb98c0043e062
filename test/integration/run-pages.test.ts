import { BULK_COUNT_LIMIT, type RunFilter, type StateType } from "@downbeat/contract";
import { countRuns, createPool, listRuns, upsertDeployments, type Tx } from "@downbeat/db";
import { createDatabase, withClient, type TestDatabase } from "@downbeat/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fillRuns } from "../bench/fill-runs.ts";
import {
  aDeployment,
  aScriptRun,
  aWorkspace,
  moveRuns,
  someRuns,
  type Fixture,
} from "./db-fixture.ts";
import { migrateAgain } from "./migrate-again.ts";

const RUNS = 60_000;
/** Looking each of the runs up would touch three for each. */
const MOST_BLOCKS = 1500;
const LIMIT = 50;
const RARE = { flowName: "rare", deploymentName: "default" };

type Filter = Partial<RunFilter>;

/** What is asked, and how many of a page's runs there are. */
const PAGES: Readonly<Record<string, [filter: Filter, found: number]>> = {
  newest: [{}, LIMIT],
  "in a common state": [{ stateType: ["COMPLETED"] }, LIMIT],
  "in a rare state": [{ stateType: ["FAILED"] }, LIMIT],
  "in a state that none is in": [{ stateType: ["CRASHED"] }, 0],
  "of a rare flow": [{ flowName: "rare" }, 50],
  "of a common flow": [{ flowName: "etl" }, LIMIT],
  "of a flow that is not there": [{ flowName: "none" }, 0],
  "of a rare deployment": [RARE, 50],
  "of deployments of one name": [{ deploymentName: "default" }, LIMIT],
  "of a rare deployment, in a common state": [{ ...RARE, stateType: ["COMPLETED"] }, 50],
  "of a rare deployment, in a rare state": [{ ...RARE, stateType: ["FAILED"] }, 0],
  "of a rare flow, in any state": [
    { flowName: "rare", stateType: ["COMPLETED", "FAILED", "CRASHED", "RUNNING"] },
    50,
  ],
  "of a common deployment, in a state that none is in": [
    { flowName: "etl", deploymentName: "default", stateType: ["CRASHED"] },
    0,
  ],
  "of a common flow, in a rare state": [{ flowName: "etl", stateType: ["FAILED"] }, LIMIT],
  "of a rare pool": [{ poolName: "rare" }, 50],
  "of a rare pool, in a rare state": [{ poolName: "rare", stateType: ["FAILED"] }, 0],
  "of a rare pool, in any state": [{ poolName: "rare", stateType: ["COMPLETED", "RUNNING"] }, 50],
  "of a common pool": [{ poolName: "default" }, LIMIT],
  "of a pool that is not there": [{ poolName: "none" }, 0],
  "of a pool that a common flow is not in": [{ poolName: "rare", flowName: "etl" }, 0],
  "in a rare state, of the last minutes": [
    { stateType: ["FAILED"], createdAfter: new Date(Date.now() - 60_000).toISOString() },
    0,
  ],
};

const ENDED: StateType[] = ["COMPLETED", "FAILED", "CRASHED", "CANCELLED"];

const COUNTS: Readonly<Record<string, [filter: Filter, count: number]>> = {
  "in a common state": [{ stateType: ["COMPLETED"] }, BULK_COUNT_LIMIT],
  "in a rare state": [{ stateType: ["FAILED"] }, RUNS * 0.03],
  "of a rare flow, in any state": [{ flowName: "rare", stateType: ENDED }, RUNS / 1000],
  "of a rare pool, in any state": [{ poolName: "rare", stateType: ENDED }, RUNS / 1000],
  "in no state": [{ stateType: [] }, 0],
  "that wait": [{ stateType: ["SCHEDULED"] }, 0],
};

const WAITING: Readonly<Record<string, Filter>> = {
  "of a rare pool": { poolName: "rare" },
  "of a rare flow": { flowName: "rare" },
};

/** 5,000 more like that of `etl`, in its pool. */
const MANY_DEPLOYMENTS = `
  with made as (
    insert into deployment (id, workspace_id, flow_id, flow_version_id, queue_id, name, entrypoint)
    select gen_random_uuid(), d.workspace_id, d.flow_id, d.flow_version_id, d.queue_id, d.name || n, d.entrypoint
    from deployment d join flow f on f.id = d.flow_id and f.name = 'etl', generate_series(1, 5000) as n
    returning id, workspace_id, queue_id
  )
  insert into pool_deployment (workspace_id, pool_id, deployment_id)
  select made.workspace_id, q.pool_id, made.id from made join work_queue q on q.id = made.queue_id;
  analyze deployment, pool_deployment, work_pool, flow`;

// Embedded, the plans are the same, and filling is not to be had.
describe("pages of many runs", () => {
  let made: TestDatabase;
  let fixture: Fixture;
  let url: string;

  beforeAll(async () => {
    made = await createDatabase("postgres");
    url = made.place.options.url ?? "";
    fixture = await aWorkspace(made.database);
    await fixture.inside((tx) => createPool(tx, { name: "rare" }));
    const rare = { ...aDeployment("rare"), poolName: "rare" };
    await fixture.inside((tx) => upsertDeployments(tx, [rare]));
    await fillRuns(url, { runs: RUNS, common: "etl", rare: "rare" });
  }, 60_000);
  afterAll(() => made.drop());

  it.each(Object.entries(PAGES))(
    "of runs %s read an index of what is asked",
    async (_, [filter, found]) => {
      const { blocks, items } = await fixture.inside((tx) => readPage(tx, filter));
      expect(items).toBe(found);
      expect(blocks).toBeLessThan(MOST_BLOCKS);
    },
  );

  it.each(Object.entries(COUNTS))("of runs %s are counted so far", async (_, [filter, count]) => {
    const { stateType: stateTypes = [], ...rest } = filter;
    const selection = { filter: rest, stateTypes, limit: BULK_COUNT_LIMIT };
    expect(await fixture.inside((tx) => countRuns(tx, selection))).toBe(count);
  });

  it("of a flow show those of no deployment among those of its deployments", async () => {
    const [older = ""] = await someRuns(fixture, 1);
    const runId = await aScriptRun(fixture, "etl");
    const [newer = ""] = await someRuns(fixture, 1);
    const filter = { flowName: "etl", limit: 3 } as RunFilter;
    const { items } = await fixture.inside((tx) => listRuns(tx, filter));
    expect(items.map(({ id }) => id)).toEqual([newer, runId, older]);
    expect((await fixture.inside((tx) => readPage(tx, filter))).blocks).toBeLessThan(MOST_BLOCKS);
  });

  it("are the same before and after the table tells under what a run is listed", async () => {
    const [runId = ""] = await someRuns(fixture, 1);
    await moveRuns(fixture, [runId], [["FAILED", "Failed", "failed"]]);
    const before = await listedUnder(url);
    expect(before).not.toContain("00000000-0000-0000-0000-000000000000");
    const undo = "alter table ended_run drop column listed_under";
    await migrateAgain(url, { migration: "0022", undo });
    expect(await listedUnder(url)).toEqual(before);
  });

  it.each(Object.entries(WAITING))("of runs %s do not look up all that wait", async (_, filter) => {
    await someRuns(fixture, 2000);
    const asked = { ...filter, stateType: ["SCHEDULED" as const] };
    const { blocks, items } = await fixture.inside((tx) => readPage(tx, asked));
    expect(items).toBe(0);
    expect(blocks).toBeLessThan(MOST_BLOCKS);
  });

  it("of a rare pool do not look at the deployments of others", async () => {
    await withClient(url, (client) => client.query(MANY_DEPLOYMENTS));
    const { blocks, items } = await fixture.inside((tx) => readPage(tx, { poolName: "rare" }));
    expect(items).toBe(LIMIT);
    expect(blocks).toBeLessThan(MOST_BLOCKS);
  });
});

describe("pages of a deployment's runs", () => {
  it("are read in order, also when the newest runs are not in the planner's statistics yet", async () => {
    const made = await createDatabase("postgres");
    const fixture = await aWorkspace(made.database);
    await fixture.inside((tx) => upsertDeployments(tx, [aDeployment("rare")]));
    const url = made.place.options.url ?? "";
    await fillRuns(url, { runs: RUNS, common: "etl", rare: "rare", rareEvery: 20 });
    await someRuns(fixture, 800);
    const { blocks, items } = await fixture.inside((tx) => readPage(tx, RARE));
    expect(items).toBe(LIMIT);
    expect(blocks).toBeLessThan(MOST_BLOCKS);
    await made.drop();
  }, 60_000);
});

/** Reads a page and counts the blocks that its statements touch. */
async function readPage(tx: Tx, filter: Filter): Promise<{ blocks: number; items: number }> {
  let blocks = 0;
  const query = tx.prisma.$queryRaw.bind(tx.prisma);
  const explained = async (
    strings: TemplateStringsArray,
    ...values: unknown[]
  ): Promise<unknown> => {
    const text = Object.assign([...strings], { raw: strings.raw }) as unknown as string[];
    text[0] = `explain (analyze, buffers, format json) ${strings[0] ?? ""}`;
    const isFree = strings.length > 1 && values.length > 0;
    if (isFree) blocks += touched(await query(text as unknown as TemplateStringsArray, ...values));
    return query(strings, ...values);
  };
  const prisma = new Proxy(tx.prisma, {
    get: (target, key) => (key === "$queryRaw" ? explained : Reflect.get(target, key)),
  });
  const page = await listRuns({ ...tx, prisma }, { limit: LIMIT, ...filter } as RunFilter);
  return { blocks, items: page.items.length };
}

function touched(answer: unknown): number {
  const [row] = answer as [{ "QUERY PLAN": [{ Plan: Record<string, number> }] }];
  const { Plan: plan } = row["QUERY PLAN"][0];
  return (plan["Shared Hit Blocks"] ?? 0) + (plan["Shared Read Blocks"] ?? 0);
}

async function listedUnder(url: string): Promise<string[]> {
  return withClient(url, async (client) => {
    const text = "select listed_under from ended_run order by run_id";
    const { rows } = await client.query<{ listed_under: string }>(text);
    return rows.map((row) => row.listed_under);
  });
}
