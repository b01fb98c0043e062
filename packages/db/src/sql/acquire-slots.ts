import type { AcquireAnswer } from "@downbeat/contract";
import type { Tx } from "../transaction.ts";
import { shareHeldRun } from "./share-held-run.ts";

export type AcquireSlots = {
  readonly requestId: string;
  readonly runId: string;
  readonly epoch: number;
  readonly leaseToken: string;
  readonly taskRunId: string | null;
  readonly limitNames: readonly string[];
  readonly tags: readonly string[];
  /** For tests; the database's clock when absent. */
  readonly now?: Date | null;
};

type Row = { name: string; granted: boolean; wait_seconds: number | null };

/** When a slot will be free is not known; asking costs one statement. */
const FULL_WAIT_SECONDS = 1;

/**
 * Takes a slot of each limit that is named, or whose tag is, for a task of a held run, all or none, and a token of each
 * that has a rate. Asking again with the same request id takes nothing more.
 *
 * Locks: the live_run row, for share (so the run cannot end meanwhile and leave the slot behind); then the limits, for no
 * key update, by id. Indexes: live_run_pkey, concurrency_limit_workspace_id_name_key, limit_slot_pkey.
 *
 * @throws DownbeatError `fenced` when the run is not held under this epoch and token.
 */
export async function acquireSlots(tx: Tx, asked: AcquireSlots): Promise<AcquireAnswer> {
  const names = [...new Set(asked.limitNames)];
  const { sessionId } = await shareHeldRun(tx, asked);
  const limits = await tx.prisma.$queryRaw<{ name: string }[]>`/* prepared */
    select name from concurrency_limit
    where workspace_id = ${tx.workspaceId}::uuid
      and (name = any(${names}::text[]) or tag = any(${[...asked.tags]}::text[]))
    order by id for no key update`;
  const known = new Set(limits.map(({ name }) => name));
  const unknown = names.filter((name) => !known.has(name));
  if (known.size === 0) return { granted: true, waitSeconds: null, unknown };
  const rows = await grant(tx, asked, { names: [...known], sessionId });
  if (rows.every(({ granted }) => granted)) return { granted: true, waitSeconds: null, unknown };
  const waits = rows.map(({ wait_seconds }) => wait_seconds ?? 0);
  return { granted: false, waitSeconds: Math.max(...waits), unknown };
}

// A statement after the locks: it sees every slot taken before.
function grant(
  tx: Tx,
  { requestId, runId, epoch, taskRunId, now = null }: AcquireSlots,
  { names, sessionId }: { names: readonly string[]; sessionId: string },
): Promise<Row[]> {
  return tx.prisma.$queryRaw<Row[]>`/* prepared */
    with clock as (select coalesce(${now}::timestamptz, statement_timestamp()) as at),
    standing as (
      select c.id, c.name, c.rate_per_second, limit_tokens(c, clock.at) as tokens,
        exists (select from limit_slot s where s.limit_id = c.id and s.holder_id = ${requestId}::uuid) as held,
        c.slots > (select count(*) from limit_slot s where s.limit_id = c.id) as has_room
      from concurrency_limit c, clock
      where c.workspace_id = ${tx.workspaceId}::uuid and c.name = any(${names}::text[])
    ),
    verdict as (select bool_and(held or (has_room and tokens >= 1)) as granted from standing),
    spent as (
      update concurrency_limit c
      set tokens = standing.tokens - 1, tokens_at = clock.at
      from standing, verdict, clock
      where c.id = standing.id and verdict.granted and not standing.held and standing.rate_per_second is not null
    ),
    taken as (
      insert into limit_slot (limit_id, holder_id, workspace_id, run_id, epoch, session_id, task_run_id, acquired_at)
      select standing.id, ${requestId}::uuid, ${tx.workspaceId}::uuid, ${runId}::uuid, ${epoch}::int,
        ${sessionId}::uuid, ${taskRunId}::uuid, clock.at
      from standing, verdict, clock
      where verdict.granted and not standing.held
    )
    select standing.name, verdict.granted, case
        when standing.held then null
        when not standing.has_room then ${FULL_WAIT_SECONDS}::double precision
        when standing.tokens < 1 then (1 - standing.tokens) / standing.rate_per_second
      end as wait_seconds
    from standing, verdict`;
}
