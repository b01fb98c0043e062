import type { RunFilter, StateType } from "@downbeat/contract";
import { isTerminal } from "@downbeat/contract";
import { Prisma } from "../generated/client.ts";
import { idCursor } from "../page.ts";
import type { Tx } from "../transaction.ts";
import { findRunLists, type RunLists } from "./find-run-lists.ts";

/** Which runs. */
export type RunSelection = {
  readonly filter: Omit<RunFilter, "limit" | "stateType" | "cursor">;
  /** Only runs in one of these states; undefined: in any. */
  readonly stateTypes?: readonly StateType[] | undefined;
  /** Only runs with an id below this one. */
  readonly cursor?: string | undefined;
};

const LOWEST_ID = "00000000-0000-0000-0000-000000000000";
const HIGHEST_ID = "ffffffff-ffff-ffff-ffff-ffffffffffff";

/**
 * A query for the ids of the newest runs that match, newest first. Each of its parts reads one index from where the page begins
 * until it has enough: of all runs, those of a deployment, or those of a flow that have none; of ended ones by state, and by deployment and state; of live runs.
 *
 * Indexes: flow_run_workspace_id_id_idx, flow_run_of_no_deployment_idx, flow_run_workspace_id_deployment_id_id_idx,
 * ended_run_workspace_id_state_type_run_id_idx, ended_run_listed_idx, live_run_workspace_id_run_id_idx, live_run_attempted_idx.
 */
export async function runPage(tx: Tx, selection: RunSelection, limit: number): Promise<Prisma.Sql> {
  const { stateTypes = [] } = selection;
  const { flowId, lists } = await findRunLists(tx, selection.filter);
  const page = { tx, selection, limit, lists, matches: runMatches(tx, selection, flowId) };
  if (stateTypes.length === 0) return ofAny(page);
  const ended = stateTypes.filter((type) => isTerminal(type));
  const live = stateTypes.filter((type) => !isTerminal(type));
  const parts = [
    ...(ended.length > 0 ? [ofEnded(page, ended)] : []),
    ...(live.length > 0 ? [ofLive(page, live)] : []),
  ].map((part) => Prisma.sql`(${part})`);
  return newest(page, Prisma.join(parts, " union all "));
}

type Page = {
  readonly tx: Tx;
  readonly selection: RunSelection;
  readonly limit: number;
  /** Null: all runs are looked through. */
  readonly lists: RunLists | null;
  readonly matches: Prisma.Sql;
};

function newest({ limit }: Page, candidates: Prisma.Sql): Prisma.Sql {
  return Prisma.sql`
    select id from (${candidates}) as candidate order by id desc limit ${limit}::int`;
}

function ofAny(page: Page): Prisma.Sql {
  const { tx, limit, lists, matches } = page;
  if (lists === null)
    return Prisma.sql`
      select r.id from flow_run r where ${isOfAll(tx, page.selection)} and ${matches}
      order by r.id desc limit ${limit}::int`;
  const ofDeployments = ofListed(page, lists.deploymentIds, {
    column: Prisma.sql`r.deployment_id`,
    isListed: Prisma.sql`true`,
  });
  if (lists.flowIds.length === 0) return newest(page, ofDeployments);
  const ofFlows = ofListed(page, lists.flowIds, {
    column: Prisma.sql`r.flow_id`,
    isListed: Prisma.sql`r.deployment_id is null`,
  });
  return newest(page, Prisma.sql`${ofDeployments} union all ${ofFlows}`);
}

type RunIndex = { readonly column: Prisma.Sql; readonly isListed: Prisma.Sql };

/** The newest runs under each id, by an index that has the column between the workspace and the run, and holds those that are listed. */
function ofListed(page: Page, ids: readonly string[], { column, isListed }: RunIndex): Prisma.Sql {
  const { tx, limit, matches } = page;
  const place = [Prisma.sql`${tx.workspaceId}::uuid`, Prisma.sql`list.id`];
  const columns = [Prisma.sql`r.workspace_id`, column, Prisma.sql`r.id`];
  return Prisma.sql`
    select run.id from unnest(${ids}::uuid[]) as list (id)
    cross join lateral (
      select r.id from flow_run r
      where ${isWithin(columns, place, page.selection)} and ${isListed} and ${matches}
      order by ${descending(columns)} limit ${limit}::int
    ) as run`;
}

// offset 0: one look for each run, in the order of runs
function ofEnded(page: Page, types: readonly StateType[]): Prisma.Sql {
  const { tx, selection, limit, lists, matches } = page;
  const workspace = Prisma.sql`${tx.workspaceId}::uuid`;
  const listed = lists === null ? [HIGHEST_ID] : [...lists.deploymentIds, ...lists.flowIds];
  const [columns, place] =
    lists === null
      ? [
          [Prisma.sql`e.workspace_id`, Prisma.sql`e.state_type`, Prisma.sql`e.run_id`],
          [workspace, Prisma.sql`asked.type`],
        ]
      : [
          [
            Prisma.sql`e.workspace_id`,
            Prisma.sql`e.listed_under`,
            Prisma.sql`e.state_type`,
            Prisma.sql`e.run_id`,
          ],
          [workspace, Prisma.sql`list.id`, Prisma.sql`asked.type`],
        ];
  return newest(
    page,
    Prisma.sql`
    select run.id from unnest(${types}::text[]) as asked (type)
    cross join unnest(${listed}::uuid[]) as list (id)
    cross join lateral (
      select e.run_id as id from ended_run e
      cross join lateral (select from flow_run r where r.id = e.run_id and ${matches} offset 0) as r
      where ${isWithin(columns, place, selection)}
      order by ${descending(columns)} limit ${limit}::int
    ) as run`,
  );
}

/**
 * Whether the columns of an index, the last of which is a run's id, are at a place and in the range of a selection. Rows are compared,
 * and ordered by every column, as only that index can serve this: told that the first columns equal something it knows no
 * figures of, the planner may prefer to read all runs in the order of their ids.
 */
function isWithin(
  columns: readonly Prisma.Sql[],
  place: readonly Prisma.Sql[],
  selection: Pick<RunSelection, "filter" | "cursor">,
): Prisma.Sql {
  const { from, below } = idRange(selection);
  const row = (values: readonly Prisma.Sql[]): Prisma.Sql =>
    Prisma.sql`row(${Prisma.join(values)})`;
  return Prisma.sql`${row(columns)} >= ${row([...place, from])} and ${row(columns)} < ${row([...place, below])}`;
}

function descending(columns: readonly Prisma.Sql[]): Prisma.Sql {
  return Prisma.join(columns.map((column) => Prisma.sql`${column} desc`));
}

function ofLive(page: Page, types: readonly StateType[]): Prisma.Sql {
  const { tx, selection, limit, lists, matches } = page;
  const { from, below } = idRange(selection);
  return Prisma.sql`
    select r.id from live_run l join flow_run r on r.id = l.run_id
    where l.workspace_id = ${tx.workspaceId}::uuid and l.state_type = any(${types}::text[])
      and l.run_id >= ${from} and l.run_id < ${below}
      ${types.includes("SCHEDULED") ? Prisma.empty : Prisma.sql`and l.epoch > 0`}
      ${lists === null ? Prisma.empty : Prisma.sql`and ${isLiveUnder(lists)}`} and ${matches}
    order by l.run_id desc limit ${limit}::int`;
}

// What a live run itself tells: nothing then looks up those that wait elsewhere.
function isLiveUnder({ deploymentIds, flowIds }: RunLists): Prisma.Sql {
  const ofDeployments = Prisma.sql`l.deployment_id = any(${deploymentIds}::uuid[])`;
  if (flowIds.length === 0) return ofDeployments;
  return Prisma.sql`(l.deployment_id is null or ${ofDeployments})`;
}

/** How long before a run reached the API its caller may have given it its id, and how far that clock may be ahead. */
const EARLY_ID_MS = 7 * 86_400_000;
const CLOCK_AHEAD_MS = 86_400_000;

/** The conditions of a selection on `flow_run r` but for its states. Only what is asked stands in them, so that it can drive an index. */
function runMatches(
  tx: Tx,
  { filter }: Pick<RunSelection, "filter">,
  flowId: string | null = null,
): Prisma.Sql {
  const { flowName, deploymentName, poolName, createdAfter, createdBefore } = filter;
  const workspace = Prisma.sql`workspace_id = ${tx.workspaceId}::uuid`;
  const conditions = [Prisma.sql`(r.${workspace}) is true`];
  const require = (condition: Prisma.Sql): void => void conditions.push(condition);
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
  if (createdAfter !== undefined) require(Prisma.sql`r.created_at >= ${createdAfter}::timestamptz`);
  if (createdBefore !== undefined)
    require(Prisma.sql`r.created_at < ${createdBefore}::timestamptz`);
  return Prisma.join(conditions, " and ");
}

/** Whether `flow_run r` is of the workspace and in the range of a selection. */
function isOfAll(tx: Tx, selection: Pick<RunSelection, "filter" | "cursor">): Prisma.Sql {
  const { from, below } = idRange(selection);
  return Prisma.sql`r.workspace_id = ${tx.workspaceId}::uuid and r.id >= ${from} and r.id < ${below}`;
}

/** The ids that a selection's runs may have, by its cursor and by the times in ids. */
function idRange({
  cursor,
  filter: { createdAfter, createdBefore },
}: Pick<RunSelection, "filter" | "cursor">): { from: Prisma.Sql; below: Prisma.Sql } {
  const at = (time: Date): Prisma.Sql => Prisma.sql`run_id_at(${time}::timestamptz)`;
  const cursorId = Prisma.sql`${idCursor(cursor) ?? HIGHEST_ID}::uuid`;
  return {
    from:
      createdAfter === undefined
        ? Prisma.sql`${LOWEST_ID}::uuid`
        : at(shifted(createdAfter, -EARLY_ID_MS)),
    below:
      createdBefore === undefined
        ? cursorId
        : Prisma.sql`least(${cursorId}, ${at(shifted(createdBefore, CLOCK_AHEAD_MS))})`,
  };
}

// Ids tell no time before 1970.
function shifted(instant: string, byMs: number): Date {
  return new Date(Math.max(0, Date.parse(instant) + byMs));
}
