import type { Run, RunFilter } from "@downbeat/contract";
import { Prisma } from "../generated/client.ts";
import type { Page } from "../page.ts";
import { toRun, type RunRow } from "../run-row.ts";
import type { Tx } from "../transaction.ts";
import { readInOrder } from "./read-in-order.ts";
import { runPage } from "./run-page.ts";

/**
 * A page of runs, newest first. Two statements, as which runs are on it decides how the rest is found.
 *
 * Locks: none. Indexes: as in run-page.ts, and those of readRuns.
 */
export async function listRuns(tx: Tx, query: RunFilter): Promise<Page<Run>> {
  const { limit, stateType: stateTypes, cursor, ...filter } = query;
  const page = await runPage(tx, { filter, stateTypes, cursor }, limit + 1); // one more tells whether there is a next page
  const found = await readInOrder<{ id: string }>(tx, page);
  const ids = found.map(({ id }) => id);
  const shown = ids.slice(0, limit);
  const runs = await readRuns(tx, shown);
  const nextCursor = ids.length > limit ? (shown.at(-1) ?? null) : null;
  return { items: shown.flatMap((id) => runs.get(id) ?? []), nextCursor };
}

/**
 * Runs by id, in no particular order; ids that are not in this workspace are absent.
 *
 * Locks: none. Indexes: flow_run_pkey, ended_run_pkey, live_run_pkey, task_run_count_pkey.
 */
export async function readRuns(tx: Tx, runIds: readonly string[]): Promise<Map<string, Run>> {
  if (runIds.length === 0) return new Map();
  const rows = await tx.prisma.$queryRaw<RunRow[]>`/* prepared */
    ${runColumns()}
    from flow_run r
    ${runJoins(tx, runIds)}
    where (r.workspace_id = ${tx.workspaceId}::uuid) is true and r.id = any(${runIds}::uuid[])`;
  return new Map(rows.map((row) => [row.id, toRun(row)]));
}

/** What a RunRow holds, of what `runJoins` joins. */
export function runColumns(): Prisma.Sql {
  return Prisma.sql`
    select r.id, r.flow_id, f.name as flow_name, r.flow_version_id, r.deployment_id, d.name as deployment_name,
      p.name as pool_name, q.name as queue_name, coalesce(e.state_type, l.state_type) as state_type,
      coalesce(e.state_name, l.state_name) as state_name, coalesce(e.state_at, l.state_at) as state_at,
      coalesce(e.reason, l.reason) as reason, coalesce(l.epoch, e.epoch) as epoch, r.tags, r.created_by_kind,
      r.created_by_id, r.created_at, coalesce(l.scheduled_for, r.scheduled_for) as scheduled_for,
      coalesce(e.started_at, l.started_at) as started_at, e.state_at as ended_at, a.id as agent_id, a.name as agent_name,
      coalesce(c.count, 0) as task_run_count, l.retry, r.parent_run_id,
      e.error_class, e.exit_code, e.signal, e.error_fingerprint, e.error_detail`;
}

/** To `flow_run r`, which holds the runs of these ids. They are named again: no plan then reads all runs to join a few. */
export function runJoins(tx: Tx, runIds: readonly string[]): Prisma.Sql {
  return Prisma.sql`
    join flow f on f.id = r.flow_id and f.workspace_id = ${tx.workspaceId}::uuid
    left join deployment d on d.id = r.deployment_id and d.workspace_id = ${tx.workspaceId}::uuid
    left join work_pool p on p.id = r.pool_id and p.workspace_id = ${tx.workspaceId}::uuid
    left join work_queue q on q.id = r.queue_id and q.workspace_id = ${tx.workspaceId}::uuid
    left join ended_run e on e.run_id = r.id and e.run_id = any(${runIds}::uuid[])
      and (e.workspace_id = ${tx.workspaceId}::uuid) is true
    left join live_run l on l.run_id = r.id and l.run_id = any(${runIds}::uuid[])
      and (l.workspace_id = ${tx.workspaceId}::uuid) is true
    left join task_run_count c on c.run_id = r.id and c.run_id = any(${runIds}::uuid[])
      and (c.workspace_id = ${tx.workspaceId}::uuid) is true
    left join agent_session s on s.id = l.session_id and s.workspace_id = ${tx.workspaceId}::uuid
    left join agent a on a.id = coalesce(e.agent_id, s.agent_id) and a.workspace_id = ${tx.workspaceId}::uuid`;
}
