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

const late: Move = { type: "SCHEDULED", name: "Late", reason: "late" };

/**
 * Names runs Late that nobody took in time, in every workspace.
 *
 * Returns the runs that moved. Locks: their live_run rows, skipping what a claim holds just now.
 * Index: live_run_not_yet_late_idx, so runs already late cost nothing however many wait.
 */
export async function markLate(tx: EngineTx, options: MarkLate): Promise<MovedRun[]> {
  const at = await databaseNow(tx, options.now);
  const rows = await tx.prisma.$queryRaw<LockedRunRow[]>`
    select run_id, workspace_id, state_type, state_name, state_sequence, epoch, lease_token, session_id, pool_id, retry
    from live_run
    where session_id is null and not late and state_type = 'SCHEDULED'
      and scheduled_for < ${at}::timestamptz - make_interval(secs => ${options.lateAfterSeconds}::double precision)
    order by scheduled_for
    limit ${options.limit ?? 500}::int
    for update skip locked`;
  return applyMoves(
    tx,
    rows.map((row) => toMove(row, late, { actor: engine, at })),
    at,
  );
}
