import { applyMoves, engine, toMove, type Move, type MovedRun } from "../engine-move.ts";
import type { EngineTx } from "../transaction.ts";
import { databaseNow } from "./database-now.ts";
import type { LockedRunRow } from "./locked-run-row.ts";

export type MarkLate = {
  /** How long after its time a waiting run is called Late. */
  readonly lateAfterSeconds: number;
  /** Most runs at once, default 500; call again while it returns that many. */
  readonly limit?: number;
  readonly now?: Date | null;
};

/** Runs looked at for each that may be named. */
const DUE_FOR_EACH = 4;

type Verdict = "late" | "awaiting_slot";

const MOVES: Record<Verdict, Move> = {
  late: { type: "SCHEDULED", name: "Late", reason: "late" },
  awaiting_slot: { type: "SCHEDULED", name: "AwaitingConcurrencySlot", reason: "awaiting_slot" },
};

/**
 * Names waiting runs, in every workspace: AwaitingConcurrencySlot as soon as one is due and a limit it needs is full, Late
 * when nobody took it in time. Each run gets one of the two names at most once per wait, so a long wait writes once.
 *
 * Returns the runs that moved. Locks: their live_run rows, skipping what a claim holds just now.
 * Index: live_run_not_yet_late_idx, so runs already named cost nothing however many wait.
 */
export async function markLate(tx: EngineTx, options: MarkLate): Promise<MovedRun[]> {
  const at = await databaseNow(tx, options.now);
  const rows = await lockDue(tx, options, at);
  return applyMoves(
    tx,
    rows.map((row) => toMove(row, MOVES[row.verdict], { actor: engine, at })),
    at,
  );
}

// Whether limits are full is asked once per deployment, not per run. Of runs that are due, those that have been so for longest: were
// all looked at, a hundred thousand made at once would be looked through for every five hundred of them that are named.
function lockDue(
  tx: EngineTx,
  { lateAfterSeconds, limit: most = 500 }: MarkLate,
  at: Date,
): Promise<(LockedRunRow & { verdict: Verdict })[]> {
  return tx.prisma.$queryRaw<(LockedRunRow & { verdict: Verdict })[]>`
    with due as materialized (
      select run_id, deployment_id, queue_id, scheduled_for from live_run
      where session_id is null and not late and state_type = 'SCHEDULED' and scheduled_for <= ${at}::timestamptz
      order by scheduled_for
      limit ${most * DUE_FOR_EACH}::int
    ),
    full_line as materialized (
      select line.deployment_id, line.queue_id
      from (select distinct deployment_id, queue_id from due) as line
      join deployment d on d.id = line.deployment_id
      join work_queue q on q.id = line.queue_id
      join work_pool p on p.id = q.pool_id
      where is_full(p.concurrency_limit, q.concurrency_limit, d.concurrency_limit, d.limit_names,
          p.workspace_id, p.id, q.id, d.id, ${at}::timestamptz)
    ),
    named as (
      select due.run_id, due.scheduled_for,
        case when f.deployment_id is null then 'late' else 'awaiting_slot' end as verdict
      from due
      left join full_line f on f.deployment_id = due.deployment_id and f.queue_id = due.queue_id
      where f.deployment_id is not null
        or due.scheduled_for < ${at}::timestamptz - make_interval(secs => ${lateAfterSeconds}::double precision)
    )
    select l.run_id, l.workspace_id, l.state_type, l.state_name, l.state_sequence, l.epoch, l.lease_token,
      l.session_id, l.pool_id, l.retry, named.verdict
    from live_run l join named using (run_id)
    where l.session_id is null and not l.late and l.state_type = 'SCHEDULED'
    order by named.scheduled_for
    limit ${most}::int
    for update of l skip locked`;
}
