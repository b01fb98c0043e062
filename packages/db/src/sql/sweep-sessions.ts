import { applyMoves, engine, toMove, type Move, type MovedRun } from "../engine-move.ts";
import type { EngineTx } from "../transaction.ts";
import { databaseNow } from "./database-now.ts";
import type { LockedRunRow } from "./locked-run-row.ts";

export type Sweep = {
  /** How long a lapsed session may take to come back before its runs are CRASHED; those of exclusive flows are at once. */
  readonly reconnectWindowSeconds: number;
  /**
   * For how long agents could reach the plane without a break; the reconnect window counts from there at the earliest,
   * or an outage longer than the window would cost every result that waits to be delivered. Default: always.
   */
  readonly availableSeconds?: number | undefined;
  /** How long an agent may take to confirm a cancellation. */
  readonly cancelDeadlineSeconds: number;
  /** Most runs in one sweep, default 500; call again while it returns that many. */
  readonly limit?: number;
  readonly now?: Date | null;
};

type Verdict = "cancel_deadline" | "agent_lost" | "give_back" | "unreachable" | "reconnected";

const MOVES: Record<Verdict, Move> = {
  cancel_deadline: { type: "CANCELLED", name: "Cancelled", reason: "cancel_deadline" },
  agent_lost: { type: "CRASHED", name: "Crashed", reason: "agent_lost" },
  // User code starts only after a report that a lapsed lease can no longer make, so the run may go to another at once.
  give_back: { type: "SCHEDULED", name: "Scheduled", reason: "unreachable" },
  unreachable: { type: "RUNNING", name: "Unreachable", reason: "unreachable" },
  reconnected: { type: "RUNNING", name: "Running", reason: "reconnected" },
};

/**
 * Settles runs whose session lapsed, ended or came back, and cancellations nobody confirmed, in every workspace.
 *
 * Returns the runs that moved. Locks: their live_run rows, skipping what a report holds just now (the next sweep sees
 * it). Reads session rows without locking them: a beat that arrives meanwhile is undone by `reconnected` next time.
 * Indexes: live_run_session_idx, live_run_pkey.
 */
export async function sweepSessions(tx: EngineTx, sweep: Sweep): Promise<MovedRun[]> {
  const at = await databaseNow(tx, sweep.now);
  const rows = await lockLapsed(tx, sweep, at);
  if (rows.length === 0) return [];
  const moves = rows.map((row) => toMove(row, MOVES[row.verdict], { actor: engine, at }));
  return applyMoves(tx, moves, at);
}

function lockLapsed(
  tx: EngineTx,
  sweep: Sweep,
  at: Date,
): Promise<(LockedRunRow & { verdict: Verdict })[]> {
  return tx.prisma.$queryRaw<(LockedRunRow & { verdict: Verdict })[]>`
    with held as (
      select l.run_id, ${at}::timestamptz as at, s.ended_at is not null or s.lease_expires_at <= ${at}::timestamptz as lapsed,
        greatest(s.lease_expires_at, ${at}::timestamptz - make_interval(secs => ${sweep.availableSeconds ?? null}::double precision))
          + make_interval(secs => case when d.exclusive then 0 else ${sweep.reconnectWindowSeconds}::double precision end)
          as lost_at,
        l.cancel_requested_at + make_interval(secs => ${sweep.cancelDeadlineSeconds}::double precision) as cancel_by,
        l.state_type, l.state_name, l.state_sequence, l.session_id
      from live_run l
      join agent_session s on s.id = l.session_id and s.workspace_id = l.workspace_id
      left join deployment d on d.id = l.deployment_id and d.workspace_id = l.workspace_id
      where l.session_id is not null
    ),
    -- Materialized: nearly no run is in such a case, and the others need not be looked up again.
    judged as materialized (
      select * from (
        select run_id, state_sequence, session_id, case
          when state_type = 'CANCELLING' and cancel_by <= at then 'cancel_deadline'
          when state_type = 'PENDING' and lapsed then 'give_back'
          when state_type in ('RUNNING', 'PAUSED') and lapsed and lost_at <= at then 'agent_lost'
          when state_type = 'RUNNING' and lapsed and state_name <> 'Unreachable' then 'unreachable'
          when state_type = 'RUNNING' and not lapsed and state_name = 'Unreachable' then 'reconnected'
        end as verdict
        from held
      ) as run
      where verdict is not null
    )
    select l.run_id, l.workspace_id, l.state_type, l.state_name, l.state_sequence, l.epoch, l.lease_token,
      l.session_id, l.pool_id, l.retry, j.verdict
    from live_run l join judged j using (run_id)
    -- Checked again once locked: a report may have moved the run since it was judged. Of the indexes, only that of the run may serve:
    -- by their session, all its runs would be gone through for each of them.
    where l.state_sequence = j.state_sequence and (l.session_id = j.session_id) is true
    order by l.run_id
    limit ${sweep.limit ?? 500}::int
    for update of l skip locked`;
}
