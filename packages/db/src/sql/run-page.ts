import type { RunFilter, StateType } from "@downbeat/contract";
import { isTerminal } from "@downbeat/contract";
import { Prisma } from "../generated/client.ts";
import { idCursor } from "../page.ts";
import type { Tx } from "../transaction.ts";

/** Which runs. */
export type RunSelection = {
  readonly filter: Omit<RunFilter, "limit" | "stateType" | "cursor">;
  /** Only runs in one of these states; undefined: in any. */
  readonly stateTypes?: readonly StateType[] | undefined;
  /** Only runs with an id below this one. */
  readonly cursor?: string | undefined;
};

/** With more deployments of one name than this, a run of one of them is never far in the list of all runs. */
const MOST_DEPLOYMENTS = 8;
/** So many runs of a deployment are looked at one by one, to see which of them are in a state that few runs are in. */
const FEW_RUNS = 5000;
const HIGHEST_ID = "ffffffff-ffff-ffff-ffff-ffffffffffff";

/**
 * A query for the ids of the newest runs that match, newest first. Each of its parts reads one index from where the page begins
 * until it has enough: of live runs; of ended ones by state; of all runs, or those of a flow or a deployment. Where both a state and a
 * deployment are asked, the deployment's runs are looked through if they are few, or the state is COMPLETED, as most runs are;
 * else the runs in that state.
 *
 * Indexes: flow_run_workspace_id_id_idx, flow_run_workspace_id_flow_id_id_idx, flow_run_workspace_id_deployment_id_id_idx,
 * ended_run_workspace_id_state_type_run_id_idx, live_run_workspace_id_run_id_idx.
 */
export async function runPage(tx: Tx, selection: RunSelection, limit: number): Promise<Prisma.Sql> {
  const { stateTypes, filter, cursor } = selection;
  const { flowId, deploymentIds } = await prepare(tx, filter);
  const page = { tx, limit, deploymentIds, matches: runMatches(tx, selection, flowId) };
  if (stateTypes === undefined || stateTypes.length === 0) return ofAny(page, Prisma.empty);
  const below = idCursor(cursor) ?? HIGHEST_ID;
  const isNarrow = deploymentIds !== null || filter.flowName !== undefined;
  const ended = stateTypes.filter((type) => isTerminal(type));
  const isFew = isNarrow && ended.length > 0 && (await areFew(page));
  const parts = ended.map((type) =>
    isFew || (isNarrow && type === "COMPLETED")
      ? ofAny(page, isEnded(tx, type))
      : ofState(page, { type, below }),
  );
  const live = stateTypes.filter((type) => !isTerminal(type));
  if (live.length > 0) parts.push(ofLive(page, live));
  const candidates = Prisma.join(
    parts.map((part) => Prisma.sql`(${part})`),
    " union all ",
  );
  return Prisma.sql`select id from (${candidates}) as candidate order by id desc limit ${page.limit}::int`;
}

async function areFew(page: Page): Promise<boolean> {
  const some = ofAny({ ...page, limit: FEW_RUNS }, Prisma.empty);
  const [row] = await page.tx.prisma.$queryRaw<[{ count: number }]>`
    select count(*)::int as count from (${some}) as few`;
  return row.count < FEW_RUNS;
}

type Page = {
  readonly tx: Tx;
  readonly limit: number;
  /** Null: runs of any deployment, or of so many that they are best found among all. */
  readonly deploymentIds: readonly string[] | null;
  readonly matches: Prisma.Sql;
};

function ofAny({ limit, deploymentIds, matches }: Page, state: Prisma.Sql): Prisma.Sql {
  const newest = (more: Prisma.Sql): Prisma.Sql => Prisma.sql`
    select r.id from flow_run r where ${matches} ${more} ${state} order by r.id desc limit ${limit}::int`;
  const [id, ...others] = deploymentIds ?? [];
  if (id === undefined)
    return newest(deploymentIds === null ? Prisma.empty : Prisma.sql`and false`);
  const of = (one: string): Prisma.Sql => newest(Prisma.sql`and r.deployment_id = ${one}::uuid`);
  if (others.length === 0) return of(id);
  const parts = [id, ...others].map((one) => Prisma.sql`(${of(one)})`);
  return Prisma.sql`
    select id from (${Prisma.join(parts, " union all ")}) as run order by id desc limit ${limit}::int`;
}

// offset 0: one look for each run, in the order of runs
function isEnded(tx: Tx, type: StateType): Prisma.Sql {
  return Prisma.sql`and exists (
    select from ended_run e
    where e.run_id = r.id and (e.workspace_id = ${tx.workspaceId}::uuid) is true and e.state_type = ${type}::text offset 0)`;
}

function ofState(
  { tx, limit, matches }: Page,
  { type, below }: { type: StateType; below: string },
): Prisma.Sql {
  return Prisma.sql`
    select e.run_id as id from ended_run e
    cross join lateral (select from flow_run r where r.id = e.run_id and ${matches} offset 0) as r
    where e.workspace_id = ${tx.workspaceId}::uuid and e.state_type = ${type}::text and e.run_id < ${below}::uuid
    order by e.run_id desc limit ${limit}::int`;
}

function ofLive({ tx, limit, matches }: Page, types: readonly StateType[]): Prisma.Sql {
  return Prisma.sql`
    select r.id from live_run l join flow_run r on r.id = l.run_id
    where l.workspace_id = ${tx.workspaceId}::uuid and l.state_type = any(${types}::text[]) and ${matches}
    order by l.run_id desc limit ${limit}::int`;
}

/**
 * Has what follows in this transaction planned for its arguments: how rare a workspace, a deployment or a state is decides which
 * index is read. Returns the ids of the flow and the deployments that are asked for.
 */
async function prepare(
  tx: Tx,
  { flowName, deploymentName }: RunSelection["filter"],
): Promise<{ flowId: string | null; deploymentIds: string[] | null }> {
  const [row] = await tx.prisma.$queryRaw<[{ flow_id: string | null; ids: string[] }]>`
    select set_config('plan_cache_mode', 'force_custom_plan', true), (
      select id from flow
      where workspace_id = ${tx.workspaceId}::uuid and name = ${flowName ?? null}::text
    ) as flow_id, array(
      select d.id from deployment d join flow f on f.id = d.flow_id
      where d.workspace_id = ${tx.workspaceId}::uuid and d.name = ${deploymentName ?? null}::text
        and (${flowName ?? null}::text is null or f.name = ${flowName ?? null}::text)
      limit ${MOST_DEPLOYMENTS + 1}::int
    ) as ids`;
  const isAny = deploymentName === undefined || row.ids.length > MOST_DEPLOYMENTS;
  return { flowId: row.flow_id, deploymentIds: isAny ? null : row.ids };
}

/** How long before a run reached the API its caller may have given it its id, and how far that clock may be ahead. */
const EARLY_ID_MS = 7 * 86_400_000;
const CLOCK_AHEAD_MS = 86_400_000;

/** The conditions of a selection on `flow_run r`, its states aside. Only what is asked stands in them, so that it can drive an index. */
export function runMatches(
  tx: Tx,
  { filter, cursor }: RunSelection,
  flowId: string | null = null,
): Prisma.Sql {
  const { flowName, deploymentName, poolName, createdAfter, createdBefore } = filter;
  const workspace = Prisma.sql`workspace_id = ${tx.workspaceId}::uuid`;
  const conditions = [Prisma.sql`r.${workspace}`];
  const require = (condition: Prisma.Sql): void => void conditions.push(condition);
  const before = idCursor(cursor);
  if (before !== null) require(Prisma.sql`r.id < ${before}::uuid`);
  if (flowId !== null) require(Prisma.sql`r.flow_id = ${flowId}::uuid`);
  else if (flowName !== undefined)
    require(
      Prisma.sql`r.flow_id = (select id from flow where ${workspace} and name = ${flowName}::text)`,
    );
  if (deploymentName !== undefined)
    require(
      Prisma.sql`r.deployment_id in (select id from deployment where ${workspace} and name = ${deploymentName}::text)`,
    );
  if (poolName !== undefined)
    require(
      Prisma.sql`r.pool_id = (select id from work_pool where ${workspace} and name = ${poolName}::text)`,
    );
  if (createdAfter !== undefined)
    require(
      Prisma.sql`r.created_at >= ${createdAfter}::timestamptz and r.id >= run_id_at(${shifted(createdAfter, -EARLY_ID_MS)}::timestamptz)`,
    );
  if (createdBefore !== undefined)
    require(
      Prisma.sql`r.created_at < ${createdBefore}::timestamptz and r.id < run_id_at(${shifted(createdBefore, CLOCK_AHEAD_MS)}::timestamptz)`,
    );
  return Prisma.join(conditions, " and ");
}

// Ids tell no time before 1970.
function shifted(instant: string, byMs: number): Date {
  return new Date(Math.max(0, Date.parse(instant) + byMs));
}
