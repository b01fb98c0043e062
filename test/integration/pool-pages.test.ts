import { randomUUID } from "node:crypto";
import type { Run, RunFilter, StateType } from "@downbeat/contract";
import {
  countRuns,
  createPool,
  createRuns,
  retryRuns,
  upsertDeployments,
  type Tx,
} from "@downbeat/db";
import { createDatabase, describeEachDatabase, withClient } from "@downbeat/testkit";
import { describe, expect, it } from "vitest";
import { Random } from "../simulation/random.ts";
import {
  aDeployment,
  aNewRun,
  aScriptRun,
  aWorkspace,
  moveRuns,
  type Fixture,
  type Step,
} from "./db-fixture.ts";
import { everyPage } from "./every-page.ts";
import { migrateAgain } from "./migrate-again.ts";

const POOLS = ["default", "gpu", "big"] as const;
const FLOWS = ["etl", "train"] as const;
const DEPLOYMENTS = ["default", "nightly"] as const;
const ENDS: readonly [Step, Step] = [
  ["COMPLETED", "Completed", "completed"],
  ["FAILED", "Failed", "failed"],
];
const STEPS = 100;
const STATES: readonly StateType[] = ["SCHEDULED", "PENDING", "RUNNING", "COMPLETED", "FAILED"];

/** A few runs at a time. */
const PAGE_LIMIT = 30;

type Filter = Omit<RunFilter, "limit" | "cursor">;

const FILTERS = [undefined, ...POOLS, "empty", "none"].flatMap((poolName) =>
  [{}, { stateType: ["FAILED" as const] }, { stateType: [...STATES] }].flatMap((states) => {
    const filter: Filter = { poolName, ...states };
    const ofFlows = FLOWS.map((flowName) => ({ ...filter, flowName }));
    return [filter, ...ofFlows, { ...filter, deploymentName: "nightly" }];
  }),
);

describeEachDatabase("pages of a pool's runs", ({ database }) => {
  it("hold what is its own among the runs of deployments that move", async () => {
    const fixture = await aWorkspace(database());
    await makeHistory(fixture, new Random(30));
    const all = await everyPage(fixture, {}, PAGE_LIMIT);
    expect(new Set(all.map(({ poolName }) => poolName))).toEqual(new Set([...POOLS, null]));
    expect(poolsOf(all, "etl").size).toBe(POOLS.length);
    for (const filter of FILTERS) {
      const expected = all.filter((run) => isOf(run, filter)).map(({ id }) => id);
      const found = (await everyPage(fixture, filter, PAGE_LIMIT)).map(({ id }) => id);
      expect({ filter, found }).toEqual({ filter, found: expected });
      if (filter.stateType === undefined) continue;
      const { stateType: stateTypes, ...rest } = filter;
      const counted = { filter: rest, stateTypes, limit: all.length };
      expect(await fixture.inside((tx) => countRuns(tx, counted))).toBe(expected.length);
    }
  }, 120_000);
});

describe("the pools of deployments", () => {
  it("are the same before and after the table tells them", async () => {
    const made = await createDatabase("postgres");
    const url = made.place.options.url ?? "";
    const fixture = await aWorkspace(made.database);
    await makePools(fixture);
    await fixture.inside((tx) => createRuns(tx, [aNewRun()]));
    await fixture.inside((tx) => deploy(tx, "etl", "default", "gpu"));
    await fixture.inside((tx) => deploy(tx, "train", "default", "big"));
    const before = await told(url);
    expect(before).toHaveLength(3);
    await migrateAgain(url, { migration: "0030", undo: "drop table pool_deployment" });
    expect(await told(url)).toEqual(before);
    await made.drop();
  });
});

async function makePools({ inside }: Fixture): Promise<void> {
  for (const name of [...POOLS.slice(1), "empty"]) await inside((tx) => createPool(tx, { name }));
}

/** Deployments that move between pools, make runs there, and start some of those again that have ended; runs of none. */
async function makeHistory(fixture: Fixture, random: Random): Promise<void> {
  const { inside } = fixture;
  const deploymentOf = () => [random.pick(FLOWS), random.pick(DEPLOYMENTS)] as const;
  await makePools(fixture);
  for (const flow of FLOWS)
    for (const name of DEPLOYMENTS) await inside((tx) => deploy(tx, flow, name, "default"));
  const acts = [
    () => inside((tx) => deploy(tx, ...deploymentOf(), random.pick(POOLS))),
    async () => {
      const [flowName, deploymentName] = deploymentOf();
      const rows = [1, 2, 3].map(() => aNewRun({ flowName, deploymentName }));
      await inside((tx) => createRuns(tx, rows));
    },
    () => endOldest(fixture, random.pick(ENDS)),
    () => retryOldest(fixture, random.pick(["COMPLETED", "FAILED"])),
    () => aScriptRun(fixture, random.pick(FLOWS)),
  ] as const;
  const chances = [acts[0], acts[0], acts[1], acts[1], acts[2], acts[2], acts[3], acts[4]] as const;
  for (let step = 0; step < STEPS; step += 1) await random.pick(chances)();
}

function deploy(tx: Tx, flowName: string, name: string, poolName: string): Promise<unknown> {
  return upsertDeployments(tx, [{ ...aDeployment(flowName), name, poolName }]);
}

async function endOldest(fixture: Fixture, step: Step): Promise<void> {
  const run = (await everyPage(fixture, { stateType: ["SCHEDULED"] }, PAGE_LIMIT)).at(-1);
  if (run !== undefined) await moveRuns(fixture, [run.id], [step]);
}

/** It starts where its deployment stands by now. */
async function retryOldest(fixture: Fixture, stateType: StateType): Promise<void> {
  const run = (await everyPage(fixture, { stateType: [stateType] }, PAGE_LIMIT)).at(-1);
  if (run === undefined) return;
  const revival = {
    runId: run.id,
    standingSequence: 1,
    transitionId: randomUUID(),
    name: "Scheduled",
    reason: "retry_requested",
    actor: { kind: "api-key", id: null },
    mode: "from_start",
  } as const;
  await fixture.inside((tx) => retryRuns(tx, [revival]));
}

function poolsOf(runs: readonly Run[], flowName: string): Set<string | null> {
  const own = runs.filter((run) => run.flowName === flowName && run.deploymentName === "default");
  return new Set(own.map(({ poolName }) => poolName));
}

function isOf(run: Run, { stateType, poolName, flowName, deploymentName }: Filter): boolean {
  return (
    (poolName === undefined || run.poolName === poolName) &&
    (flowName === undefined || run.flowName === flowName) &&
    (deploymentName === undefined || run.deploymentName === deploymentName) &&
    (stateType === undefined || stateType.includes(run.state.type))
  );
}

/** The rows of the table, which no policy keeps from a superuser. */
function told(url: string): Promise<unknown[]> {
  return withClient(url, async (client) => {
    const text = "select * from pool_deployment order by workspace_id, pool_id, deployment_id";
    return (await client.query(text)).rows as unknown[];
  });
}
