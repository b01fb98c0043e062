import type { TaskRunItem } from "@downbeat/contract";
import { arrayLiteral, plainColumn } from "../array-literal.ts";
import {
  optionalColumn,
  optionalPlainColumn,
  plainBatchColumn,
  textBatchColumn,
} from "../batch-column.ts";
import type { Tx } from "../transaction.ts";

/** The newest known state of a task run, as an agent reports it. */
export type TaskRunRow = Omit<TaskRunItem, "kind" | "leaseToken">;

/**
 * Records task runs. Reports may come late, twice or out of order: the higher (epoch, sequence) stands.
 *
 * Locks: the task_run rows, in order of their key; then the task_run_count rows of new ones, likewise. Indexes: task_run_pkey,
 * task_run_count_pkey.
 */
export async function upsertTaskRuns(tx: Tx, rows: readonly TaskRunRow[]): Promise<void> {
  if (rows.length === 0) return;
  const plain = <K extends "epoch" | "sequence" | "index" | "type" | "name" | "attempt" | "runId">(
    key: K,
  ) => plainBatchColumn<string | number>(rows.map((row) => row[key]));
  const [runId, epoch, type, name] = [plain("runId"), plain("epoch"), plain("type"), plain("name")];
  const [sequence, attempt] = [plain("sequence"), plain("attempt")];
  const taskName = textBatchColumn(rows.map((row) => row.taskName));
  const instants = (key: "startedAt" | "endedAt") =>
    optionalPlainColumn(rows.map((row) => row[key]));
  const sealed = (key: "renderedName" | "result" | "cacheTag") =>
    optionalColumn(rows.map((row) => row[key]));
  const upstream = optionalColumn(
    rows.map((row) => (row.upstream.length === 0 ? null : arrayLiteral(row.upstream))),
  );
  const error = <K extends "class" | "exitCode" | "signal" | "fingerprint" | "detail">(key: K) =>
    optionalColumn(rows.map((row) => row.error?.[key]));
  await tx.prisma.$executeRaw`/* prepared */
    with written as (
      insert into task_run as standing (run_id, id, workspace_id, task_name, index, epoch, sequence, state_type,
        state_name, state_at, attempt, started_at, ended_at, upstream, rendered_name, error_class, exit_code, signal,
        error_fingerprint, error_detail, result, cache_tag)
      select run_id, id, ${tx.workspaceId}::uuid, task_name, index, epoch, sequence, type, name, at, attempt, started_at,
        ended_at, upstream, rendered_name, error_class, exit_code, signal, error_fingerprint, error_detail, result,
        cache_tag
      from (
        select distinct on (run_id, id) coalesce(run_id, ${runId.same}::uuid) as run_id, id,
          coalesce(task_name, ${taskName.same}::text) as task_name, index, coalesce(epoch, ${epoch.same}::int) as epoch,
          coalesce(sequence, ${sequence.same}::int) as sequence, coalesce(type, ${type.same}::text) as type,
          coalesce(name, ${name.same}::text) as name, at, coalesce(attempt, ${attempt.same}::int) as attempt, started_at,
          ended_at, coalesce(upstream::uuid[], '{}') as upstream, rendered_name, error_class, exit_code, signal,
          error_fingerprint, error_detail, result, cache_tag
        from unnest(
          ${runId.array}::uuid[], ${plainColumn(rows.map((row) => row.taskRunId))}::uuid[], ${taskName.array}::text[],
          ${plainColumn(rows.map((row) => row.index))}::int[], ${epoch.array}::int[], ${sequence.array}::int[],
          ${type.array}::text[], ${name.array}::text[], ${plainColumn(rows.map((row) => row.at))}::timestamptz[],
          ${attempt.array}::int[], ${instants("startedAt")}::timestamptz[], ${instants("endedAt")}::timestamptz[],
          ${upstream}::text[], ${sealed("renderedName")}::text[], ${error("class")}::text[],
          ${error("exitCode")}::int[], ${error("signal")}::text[], ${error("fingerprint")}::text[],
          ${error("detail")}::text[], ${sealed("result")}::text[], ${sealed("cacheTag")}::text[]
        ) as given (
          run_id, id, task_name, index, epoch, sequence, type, name, at, attempt, started_at, ended_at, upstream,
          rendered_name, error_class, exit_code, signal, error_fingerprint, error_detail, result, cache_tag
        )
        order by run_id, id, epoch desc, sequence desc
      ) as newest
      on conflict (run_id, id) do update
      set task_name = excluded.task_name, index = excluded.index, epoch = excluded.epoch, sequence = excluded.sequence,
        state_type = excluded.state_type, state_name = excluded.state_name, state_at = excluded.state_at,
        attempt = excluded.attempt, started_at = excluded.started_at, ended_at = excluded.ended_at,
        upstream = excluded.upstream, rendered_name = excluded.rendered_name, error_class = excluded.error_class,
        exit_code = excluded.exit_code, signal = excluded.signal, error_fingerprint = excluded.error_fingerprint,
        error_detail = excluded.error_detail, result = excluded.result, cache_tag = excluded.cache_tag,
        revision = standing.revision + 1
      where standing.workspace_id = excluded.workspace_id
        and (excluded.epoch, excluded.sequence) > (standing.epoch, standing.sequence)
      returning run_id, revision
    )
    insert into task_run_count as standing (run_id, workspace_id, count)
    select run_id, ${tx.workspaceId}::uuid, count(*) from written where revision = 0 group by run_id order by run_id
    on conflict (run_id) do update set count = standing.count + excluded.count
    where standing.workspace_id = excluded.workspace_id`;
}
