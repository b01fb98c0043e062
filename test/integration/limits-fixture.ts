import type { DeploymentSpec, Lease, LimitSpec } from "@downbeat/contract";
import { createRuns, setLimit, updatePool, upsertDeployments, upsertQueue } from "@downbeat/db";
import { aDeployment, aNewRun, type Fixture } from "./db-fixture.ts";

/** Registers `flowName/default`, limited as given; returns its id. */
export async function deployLimited(
  fixture: Fixture,
  flowName: string,
  limits: Partial<DeploymentSpec> = {},
): Promise<string> {
  const [deployment] = await fixture.inside((tx) =>
    upsertDeployments(tx, [{ ...aDeployment(flowName), ...limits }]),
  );
  return deployment?.id ?? "";
}

/** Makes so many runs of a flow; returns their ids. */
export async function runsOf(fixture: Fixture, flowName: string, count: number): Promise<string[]> {
  const rows = Array.from({ length: count }, () => aNewRun({ flowName }));
  const created = await fixture.inside((tx) => createRuns(tx, rows));
  return created.flatMap((answer) => (answer.status === "created" ? answer.runId : []));
}

export async function aLimit(
  fixture: Fixture,
  name: string,
  { slots, rate = null, tag = null }: Partial<LimitSpec>,
): Promise<void> {
  await fixture.inside((tx) => setLimit(tx, { name, slots: slots ?? 100_000, rate, tag }));
}

export async function aQueue(
  fixture: Fixture,
  name: string,
  given: { priority?: number; concurrencyLimit?: number | null } = {},
): Promise<void> {
  const queue = { poolName: "default", name, priority: 100, ...given };
  await fixture.inside((tx) => upsertQueue(tx, queue));
}

/** Every slot that is written down in the workspace. */
export async function countSlots(fixture: Fixture): Promise<number> {
  return fixture.inside((tx) =>
    tx.prisma.limitSlot.count({ where: { workspaceId: fixture.workspaceId } }),
  );
}

export function flowsOf(leases: readonly Lease[]): string[] {
  return leases.map(({ flowName }) => flowName);
}

/** What keeps runs of etl from being given away in one round trip. */
export const NOT_SIMPLE: readonly [string, (fixture: Fixture) => Promise<unknown>][] = [
  ["a second line", (fixture) => anotherLine(fixture)],
  [
    "a limit of the pool",
    ({ inside }) => inside((tx) => updatePool(tx, { name: "default", concurrencyLimit: 9 })),
  ],
  ["a limit of the queue", (fixture) => aQueue(fixture, "default", { concurrencyLimit: 9 })],
  [
    "a limit of the deployment",
    (fixture) => deployLimited(fixture, "etl", { concurrency: { limit: 9, strategy: "enqueue" } }),
  ],
  ["a named limit", (fixture) => aNamedLimit(fixture)],
  [
    "a paused pool",
    ({ inside }) => inside((tx) => updatePool(tx, { name: "default", paused: true })),
  ],
  [
    "a label the session lacks",
    (fixture) => deployLimited(fixture, "etl", { requiredLabels: ["gpu"] }),
  ],
];

async function anotherLine(fixture: Fixture): Promise<void> {
  await deployLimited(fixture, "other");
  await runsOf(fixture, "other", 1);
}

async function aNamedLimit(fixture: Fixture): Promise<void> {
  await aLimit(fixture, "db", { slots: 9 });
  await deployLimited(fixture, "etl", { limitNames: ["db"] });
}
