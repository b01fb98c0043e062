import type { TaskRunItem } from "@downbeat/contract";
import { arrayLiteral } from "../array-literal.ts";
import type { Tx } from "../transaction.ts";

/** The newest known state of a task run, as an agent reports it. */
export type TaskRunRow = Omit<TaskRunItem, "kind" | "leaseToken">;

/**
 * Records task runs. Reports may come late, twice or out of order: the higher (epoch, sequence) stands.
 *
 * Locks: the task_run rows, in order of their key. Index: task_run_pkey.
 */
export async function upsertTaskRuns(tx: Tx, rows: readonly TaskRunRow[]): Promise<void> {
  if (rows.length === 0) return;
  const column = <K extends keyof TaskRunRow>(key: K): TaskRunRow[K][] =>
    rows.map((row) => row[key]);
  const error = <K extends "class" | "exitCode" | "signal" | "fingerprint" | "detail">(key: K) =>
    rows.map((row) => row.error?.[key] ?? null);
  await tx.prisma.$executeRaw`/* prepared */
    insert into task_run as standing (run_id, id, workspace_id, task_name, index, epoch, sequence, state_type,
      state_name, state_at, attempt, started_at, ended_at, upstream, rendered_name, error_class, exit_code, signal,
      error_fingerprint, error_detail, result, cache_tag)
    select distinct on (run_id, id) run_id, id, ${tx.workspaceId}::uuid, task_name, index, epoch, sequence, type, name,
      at, attempt, started_at, ended_at, upstream::uuid[], rendered_name, error_class, exit_code, signal,
      error_fingerprint, error_detail, result, cache_tag
    from unnest(
      ${column("runId")}::uuid[], ${column("taskRunId")}::uuid[], ${column("taskName")}::text[],
      ${column("index")}::int[], ${column("epoch")}::int[], ${column("sequence")}::int[], ${column("type")}::text[],
      ${column("name")}::text[], ${column("at")}::timestamptz[], ${column("attempt")}::int[],
      ${column("startedAt")}::timestamptz[], ${column("endedAt")}::timestamptz[],
      ${rows.map(({ upstream }) => arrayLiteral(upstream))}::text[], ${column("renderedName")}::text[],
      ${error("class")}::text[], ${error("exitCode")}::int[], ${error("signal")}::text[],
      ${error("fingerprint")}::text[], ${error("detail")}::text[],
      ${column("result")}::text[], ${column("cacheTag")}::text[]
    ) as given (
      run_id, id, task_name, index, epoch, sequence, type, name, at, attempt, started_at, ended_at, upstream,
      rendered_name, error_class, exit_code, signal, error_fingerprint, error_detail, result, cache_tag
    )
    order by run_id, id, epoch desc, sequence desc
    on conflict (run_id, id) do update
    set task_name = excluded.task_name, index = excluded.index, epoch = excluded.epoch, sequence = excluded.sequence,
      state_type = excluded.state_type, state_name = excluded.state_name, state_at = excluded.state_at,
      attempt = excluded.attempt, started_at = excluded.started_at, ended_at = excluded.ended_at,
      upstream = excluded.upstream, rendered_name = excluded.rendered_name, error_class = excluded.error_class,
      exit_code = excluded.exit_code, signal = excluded.signal, error_fingerprint = excluded.error_fingerprint,
      error_detail = excluded.error_detail, result = excluded.result, cache_tag = excluded.cache_tag
    where standing.workspace_id = excluded.workspace_id
      and (excluded.epoch, excluded.sequence) > (standing.epoch, standing.sequence)`;
}
