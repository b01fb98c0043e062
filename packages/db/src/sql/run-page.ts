import type { StateType } from "@downbeat/contract";
import { isTerminal } from "@downbeat/contract";
import { Prisma } from "../generated/client.ts";
import type { Tx } from "../transaction.ts";
import { FEW_WAITING, fewWaiting } from "./few-waiting.ts";
import { findRunLists, type RunLists } from "./find-run-lists.ts";
import {
  HIGHEST_ID,
  idRange,
  isInRange,
  isOfAll,
  isStray,
  runMatches,
  type RunSelection,
} from "./run-selection.ts";

/**
 * A query for the ids of the newest runs that match, newest first. Each of its parts reads one index from where the page begins
 * until it has enough: of all runs, those of a deployment, or those of a flow that have none; of ended ones by state, and by deployment and state; of live runs;
 * of those of a deployment that wait, few-waiting.ts; where a time is asked, of runs whose ids tell another one.
 *
 * Indexes: flow_run_workspace_id_id_idx, flow_run_of_no_deployment_idx, flow_run_workspace_id_deployment_id_id_idx, flow_run_stray_idx,
 * ended_run_workspace_id_state_type_run_id_idx, ended_run_listed_idx, live_run_workspace_id_run_id_idx, live_run_attempted_idx.
 */
export async function runPage(tx: Tx, selection: RunSelection, limit: number): Promise<Prisma.Sql> {
  const { stateTypes = [] } = selection;
  const { flowId, lists } = await findRunLists(tx, selection.filter);
  const page = { tx, selection, limit, lists, matches: runMatches(tx, selection, flowId) };
  const strays = ofStrays(page, stateTypes);
  if (stateTypes.length === 0)
    return strays.length === 0 ? ofAny(page) : newest(page, union([ofAny(page), ...strays]));
  const ended = stateTypes.filter((type) => isTerminal(type));
  const live = stateTypes.filter((type) => !isTerminal(type));
  const parts = [
    ...(ended.length > 0 ? [ofEnded(page, ended)] : []),
    ...ofLive(page, live),
    ...strays,
  ];
  return newest(page, union(parts));
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

function union(parts: readonly Prisma.Sql[]): Prisma.Sql {
  return Prisma.join(
    parts.map((part) => Prisma.sql`(${part})`),
    " union all ",
  );
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
      ${lookUp(matches, Prisma.sql`e.run_id`)}
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

/** A join with the run, if it matches: one look for each (offset 0), in the order of what it is joined to. */
function lookUp(matches: Prisma.Sql, runId: Prisma.Sql): Prisma.Sql {
  return Prisma.sql`cross join lateral (select from flow_run r where r.id = ${runId} and ${matches} offset 0) as r`;
}

function descending(columns: readonly Prisma.Sql[]): Prisma.Sql {
  return Prisma.join(columns.map((column) => Prisma.sql`${column} desc`));
}

function ofLive(page: Page, types: readonly StateType[]): Prisma.Sql[] {
  const { lists } = page;
  if (types.length === 0) return [];
  if (lists === null || !types.includes("SCHEDULED")) return [walkLive(page, types)];
  const others = types.filter((type) => type !== "SCHEDULED");
  const ofOthers = others.length === 0 ? [] : [walkLive(page, others)];
  return [...ofOthers, ofWaiting(page, lists)];
}

/** Those of runs made in the time that is asked whose ids tell another; in any of these states, if there are any. */
function ofStrays(
  { tx, selection, limit, matches }: Page,
  types: readonly StateType[],
): Prisma.Sql[] {
  const isAsked = isStray(tx, selection);
  if (isAsked === undefined) return [];
  const isOneOf = (row: Prisma.Sql): Prisma.Sql => Prisma.sql`
    ${row}.run_id = r.id and (${row}.workspace_id = ${tx.workspaceId}::uuid) is true
      and ${row}.state_type = any(${types}::text[])`;
  const stands = Prisma.sql`(
    exists (select from ended_run e where ${isOneOf(Prisma.sql`e`)})
    or exists (select from live_run l where ${isOneOf(Prisma.sql`l`)})
  )`;
  return [
    Prisma.sql`
    select r.id from flow_run r
    where ${isAsked} and ${matches} ${types.length === 0 ? Prisma.empty : Prisma.sql`and ${stands}`}
    order by r.id desc limit ${limit}::int`,
  ];
}

/** All runs in these states, from where the page begins until enough of them match. */
function walkLive(
  page: Page,
  types: readonly StateType[],
  isWalked = Prisma.sql`true`,
): Prisma.Sql {
  const { tx, selection, limit, lists, matches } = page;
  return Prisma.sql`
    select l.run_id as id from live_run l ${lookUp(matches, Prisma.sql`l.run_id`)}
    where l.workspace_id = ${tx.workspaceId}::uuid and l.state_type = any(${types}::text[])
      and ${isInRange(Prisma.sql`l.run_id`, selection)}
      ${types.includes("SCHEDULED") ? Prisma.empty : Prisma.sql`and l.epoch > 0`}
      ${lists === null ? Prisma.empty : Prisma.sql`and ${isLiveUnder(lists)}`} and ${isWalked}
    order by l.run_id desc limit ${limit}::int`;
}

/** Runs that wait for an agent: those of the lists, sorted, if they are few; if they are many, one is never far among all that wait. */
function ofWaiting(page: Page, lists: RunLists): Prisma.Sql {
  const { tx, selection, limit, matches } = page;
  const count = Prisma.sql`(select count(*) from few)`;
  return Prisma.sql`
    with recursive ${fewWaiting(tx, lists)}
    (
      select l.run_id as id from (
        select run_id from few where ${count} <= ${FEW_WAITING} and ${isInRange(Prisma.sql`run_id`, selection)}
        order by run_id desc offset 0
      ) as l ${lookUp(matches, Prisma.sql`l.run_id`)}
      order by l.run_id desc limit ${limit}::int
    )
    union all
    (${walkLive(page, ["SCHEDULED"], Prisma.sql`${count} > ${FEW_WAITING}`)})`;
}

// What a live run itself tells: nothing then looks up those that wait elsewhere.
function isLiveUnder({ deploymentIds, flowIds }: RunLists): Prisma.Sql {
  const ofDeployments = Prisma.sql`l.deployment_id = any(${deploymentIds}::uuid[])`;
  if (flowIds.length === 0) return ofDeployments;
  return Prisma.sql`(l.deployment_id is null or ${ofDeployments})`;
}
