import { Instant, type StateName, type StateType, type TaskRun } from "@downbeat/contract";
import { Prisma } from "../generated/client.ts";
import { invalidCursor, isUuid, type Page, type PageQuery } from "../page.ts";
import { toRunError, type RunErrorColumns } from "../run-error-columns.ts";
import type { Tx } from "../transaction.ts";
import { readInOrder } from "./read-in-order.ts";

type Row = RunErrorColumns & {
  id: string;
  run_id: string;
  task_name: string;
  index: number;
  epoch: number;
  state_type: string;
  state_name: string;
  state_at: Date;
  attempt: number;
  started_at: Date | null;
  ended_at: Date | null;
  upstream: string[];
  rendered_name: string | null;
  result: string | null;
  cache_tag: string | null;
};

/**
 * A page of a run's task runs by start and id; those not started come last. A task run that was open when its run ended,
 * or its attempt did, ended with it: nothing is left that could report it. Said here rather than written, so that
 * a report that arrives late after all still stands.
 *
 * Locks: none. Index: task_run_run_id_started_at_id_idx (from where the page begins, until it has enough).
 */
export async function listTaskRuns(
  tx: Tx,
  query: PageQuery & { runId: string },
): Promise<Page<TaskRun>> {
  const rows = await readInOrder<Row>(
    tx,
    Prisma.sql`
    with standing as (
      select coalesce(e.state_at, l.state_at) as at, coalesce(l.epoch, e.epoch) as epoch,
        coalesce(e.state_type, 'CRASHED') as type, e.run_id is not null or l.state_type = 'SCHEDULED' as no_process
      from flow_run r
      left join ended_run e on e.run_id = r.id and e.workspace_id = ${tx.workspaceId}::uuid
      left join live_run l on l.run_id = r.id and l.workspace_id = ${tx.workspaceId}::uuid
      where r.workspace_id = ${tx.workspaceId}::uuid and r.id = ${query.runId}::uuid
    )
    select t.id, t.run_id, t.task_name, t.index, t.epoch,
      case when not closed.it then t.state_type when s.type = 'CANCELLED' then 'CANCELLED' else 'CRASHED' end
        as state_type,
      case when not closed.it then t.state_name when s.type = 'CANCELLED' then 'Cancelled' else 'Crashed' end
        as state_name,
      case when closed.it then s.at else t.state_at end as state_at, t.attempt, t.started_at,
      case when closed.it then s.at else t.ended_at end as ended_at, t.upstream, t.rendered_name, t.error_class,
      t.exit_code, t.signal, t.error_fingerprint, t.error_detail, t.result, t.cache_tag
    from (${taskRunsAfter(tx, query)}) as t
    cross join standing s
    cross join lateral (
      select t.state_type not in ('COMPLETED', 'FAILED', 'CRASHED', 'CANCELLED')
        and (s.no_process or t.epoch < s.epoch) as it
    ) as closed
    order by t.started_at, t.id
    limit ${query.limit + 1}::int`,
  );
  const items = rows.slice(0, query.limit).map(toTaskRun);
  const last = items.at(-1);
  const hasMore = rows.length > query.limit && last !== undefined;
  return { items, nextCursor: hasMore ? `${last.startedAt ?? NOT_STARTED}_${last.id}` : null };
}

// Two ways into one index: nothing compares with null.
function taskRunsAfter(
  tx: Tx,
  { runId, cursor, limit }: PageQuery & { runId: string },
): Prisma.Sql {
  const part = (isIn: Prisma.Sql): Prisma.Sql => Prisma.sql`(
    select t.* from task_run t
    where t.workspace_id = ${tx.workspaceId}::uuid and t.run_id = ${runId}::uuid and ${isIn}
    order by t.started_at, t.id limit ${limit + 1}::int
  )`;
  const waiting = Prisma.sql`t.started_at is null`;
  if (cursor === undefined)
    return Prisma.sql`${part(Prisma.sql`t.started_at is not null`)} union all ${part(waiting)}`;
  const [startedAt, id] = readCursor(cursor);
  if (startedAt === NOT_STARTED) return part(Prisma.sql`${waiting} and t.id > ${id}::uuid`);
  const started = part(Prisma.sql`(t.started_at, t.id) > (${startedAt}::timestamptz, ${id}::uuid)`);
  return Prisma.sql`${started} union all ${part(waiting)}`;
}

/** In a cursor, in place of the start of a task run that has none. */
const NOT_STARTED = "infinity";

function readCursor(cursor: string): [startedAt: string, id: string] {
  const [startedAt = "", id = "", ...rest] = cursor.split("_");
  const isOurs = startedAt === NOT_STARTED || Instant.safeParse(startedAt).success;
  if (!isOurs || !isUuid(id) || rest.length > 0) throw invalidCursor(cursor);
  return [startedAt, id];
}

function toTaskRun(row: Row): TaskRun {
  return {
    id: row.id,
    runId: row.run_id,
    taskName: row.task_name,
    index: row.index,
    state: {
      type: row.state_type as StateType,
      name: row.state_name as StateName,
      at: row.state_at.toISOString(),
    },
    attempt: row.attempt,
    epoch: row.epoch,
    startedAt: row.started_at?.toISOString() ?? null,
    endedAt: row.ended_at?.toISOString() ?? null,
    upstream: row.upstream,
    renderedName: row.rendered_name as TaskRun["renderedName"],
    error: toRunError(row),
    result: row.result as TaskRun["result"],
    cacheTag: row.cache_tag,
  };
}
