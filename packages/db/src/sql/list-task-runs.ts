import type { StateName, StateType, TaskRun } from "@downbeat/contract";
import { invalidCursor, type Page, type PageQuery } from "../page.ts";
import { toRunError, type RunErrorColumns } from "../run-error-columns.ts";
import type { Tx } from "../transaction.ts";

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
};

/**
 * A page of a run's task runs by start and id; those not started come last.
 *
 * Locks: none. Index: task_run_pkey (one run's rows are contiguous; sorted in memory).
 */
export async function listTaskRunRows(
  tx: Tx,
  query: PageQuery & { runId: string },
): Promise<Page<TaskRun>> {
  const [startedAt, id] = readCursor(query.cursor);
  const rows = await tx.prisma.$queryRaw<Row[]>`
    select id, run_id, task_name, index, epoch, state_type, state_name, state_at, attempt, started_at, ended_at,
      upstream, rendered_name, error_class, exit_code, signal, error_fingerprint, error_detail
    from task_run
    where workspace_id = ${tx.workspaceId}::uuid and run_id = ${query.runId}::uuid
      and (${id}::uuid is null
        or (coalesce(started_at, 'infinity'), id) > (${startedAt}::timestamptz, ${id}::uuid))
    order by coalesce(started_at, 'infinity'), id
    limit ${query.limit + 1}::int`;
  const items = rows.slice(0, query.limit).map(toTaskRun);
  const last = items.at(-1);
  const hasMore = rows.length > query.limit && last !== undefined;
  return { items, nextCursor: hasMore ? `${last.startedAt ?? "infinity"}_${last.id}` : null };
}

const cursorForm = /^(infinity|\d{4}-[\d-]+T[\d:.]+Z)_([0-9a-f-]{36})$/;

function readCursor(cursor: string | undefined): [startedAt: string | null, id: string | null] {
  if (cursor === undefined) return [null, null];
  const [, startedAt, id] = cursorForm.exec(cursor) ?? [];
  if (startedAt === undefined || id === undefined) throw invalidCursor(cursor);
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
  };
}
