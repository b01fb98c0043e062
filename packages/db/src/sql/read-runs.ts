import type { Run, RunFilter } from "@downbeat/contract";
import { isTerminal } from "@downbeat/contract";
import { Prisma } from "../generated/client.ts";
import { idCursor, type Page } from "../page.ts";
import { toRun, type RunRow } from "../run-row.ts";
import type { Tx } from "../transaction.ts";

/**
 * A page of runs, newest first. Filters by final state read the ended runs' index, one short scan a state; filters by
 * live state read the small live table; so rare states stay quick however many runs there are.
 *
 * Locks: none. Indexes: flow_run_workspace_id_id_idx, flow_run_workspace_id_flow_id_id_idx,
 * ended_run_workspace_id_state_type_run_id_idx, live_run_workspace_id_run_id_idx.
 */
export async function listRuns(tx: Tx, filter: RunFilter): Promise<Page<Run>> {
  const matches = runMatches(tx, filter);
  const states = filter.stateType ?? [];
  const cursor = idCursor(filter.cursor);
  const oneMore = filter.limit + 1; // tells whether there is a next page
  const rows = await tx.prisma.$queryRaw<RunRow[]>`
    with page as (
      select id from (
        (select r.id from flow_run r where ${states.length === 0}::boolean and ${matches}
          order by r.id desc limit ${oneMore}::int)
        union all
        (select finished.id
          from unnest(${states.filter((type) => isTerminal(type))}::text[]) as wanted (state_type)
          cross join lateral (
            select r.id from ended_run e join flow_run r on r.id = e.run_id
            where e.workspace_id = ${tx.workspaceId}::uuid and e.state_type = wanted.state_type
              and (${cursor}::uuid is null or e.run_id < ${cursor}::uuid) and ${matches}
            order by e.run_id desc limit ${oneMore}::int
          ) as finished)
        union all
        (select r.id from live_run l join flow_run r on r.id = l.run_id
          where l.workspace_id = ${tx.workspaceId}::uuid
            and l.state_type = any(${states.filter((type) => !isTerminal(type))}::text[]) and ${matches}
          order by l.run_id desc limit ${oneMore}::int)
      ) as candidate
      order by id desc limit ${oneMore}::int
    )
    ${runColumns(tx)}
    from page cross join lateral (
      -- offset 0 keeps the planner from starting anywhere but at the page
      select * from flow_run where workspace_id = ${tx.workspaceId}::uuid and id = page.id offset 0
    ) as r
    ${runJoins(tx)}
    order by r.id desc`;
  const items = rows.slice(0, filter.limit).map(toRun);
  return { items, nextCursor: rows.length > filter.limit ? (items.at(-1)?.id ?? null) : null };
}

/** Runs by id, in no particular order; ids that are not in this workspace are absent. Index: flow_run_pkey. */
export async function readRuns(tx: Tx, runIds: readonly string[]): Promise<Map<string, Run>> {
  if (runIds.length === 0) return new Map();
  const rows = await tx.prisma.$queryRaw<RunRow[]>`
    ${runColumns(tx)}
    from flow_run r
    ${runJoins(tx)}
    where r.workspace_id = ${tx.workspaceId}::uuid and r.id = any(${runIds}::uuid[])`;
  return new Map(rows.map((row) => [row.id, toRun(row)]));
}

/** The conditions of a filter on `flow_run r`, its states aside. */
export function runMatches(tx: Tx, filter: Omit<RunFilter, "limit" | "stateType">): Prisma.Sql {
  const flowName = filter.flowName ?? null;
  const deploymentName = filter.deploymentName ?? null;
  const poolName = filter.poolName ?? null;
  const after = filter.createdAfter ?? null;
  const before = filter.createdBefore ?? null;
  const cursor = idCursor(filter.cursor);
  return Prisma.sql`r.workspace_id = ${tx.workspaceId}::uuid
    and (${cursor}::uuid is null or r.id < ${cursor}::uuid)
    and (${flowName}::text is null or r.flow_id = (
      select id from flow where workspace_id = ${tx.workspaceId}::uuid and name = ${flowName}::text))
    and (${deploymentName}::text is null or r.deployment_id in (
      select id from deployment where workspace_id = ${tx.workspaceId}::uuid and name = ${deploymentName}::text))
    and (${poolName}::text is null or r.pool_id = (
      select id from work_pool where workspace_id = ${tx.workspaceId}::uuid and name = ${poolName}::text))
    and (${after}::timestamptz is null or r.created_at >= ${after}::timestamptz)
    and (${before}::timestamptz is null or r.created_at < ${before}::timestamptz)`;
}

/** What a RunRow holds, of what `runJoins` joins. */
export function runColumns(tx: Tx): Prisma.Sql {
  return Prisma.sql`
    select r.id, r.flow_id, f.name as flow_name, r.flow_version_id, r.deployment_id, d.name as deployment_name,
      p.name as pool_name, q.name as queue_name, coalesce(e.state_type, l.state_type) as state_type,
      coalesce(e.state_name, l.state_name) as state_name, coalesce(e.state_at, l.state_at) as state_at,
      coalesce(e.reason, l.reason) as reason, coalesce(l.epoch, e.epoch) as epoch, r.tags, r.created_by_kind,
      r.created_by_id, r.created_at, coalesce(l.scheduled_for, r.scheduled_for) as scheduled_for,
      coalesce(e.started_at, l.started_at) as started_at, e.state_at as ended_at, a.id as agent_id, a.name as agent_name,
      (select count(*)::int from task_run t where t.run_id = r.id and t.workspace_id = ${tx.workspaceId}::uuid)
        as task_run_count, l.retry, r.parent_run_id,
      e.error_class, e.exit_code, e.signal, e.error_fingerprint, e.error_detail`;
}

/** To `flow_run r`. */
export function runJoins(tx: Tx): Prisma.Sql {
  return Prisma.sql`
    join flow f on f.id = r.flow_id and f.workspace_id = ${tx.workspaceId}::uuid
    left join deployment d on d.id = r.deployment_id and d.workspace_id = ${tx.workspaceId}::uuid
    left join work_pool p on p.id = r.pool_id and p.workspace_id = ${tx.workspaceId}::uuid
    left join work_queue q on q.id = r.queue_id and q.workspace_id = ${tx.workspaceId}::uuid
    left join ended_run e on e.run_id = r.id and e.workspace_id = ${tx.workspaceId}::uuid
    left join live_run l on l.run_id = r.id and l.workspace_id = ${tx.workspaceId}::uuid
    left join agent_session s on s.id = l.session_id and s.workspace_id = ${tx.workspaceId}::uuid
    left join agent a on a.id = coalesce(e.agent_id, s.agent_id) and a.workspace_id = ${tx.workspaceId}::uuid`;
}
