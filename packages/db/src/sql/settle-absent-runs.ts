import type { Actor } from "@downbeat/contract";
import { applyMoves, toMove, type Move, type MovedRun } from "../engine-move.ts";
import type { Tx } from "../transaction.ts";
import { databaseNow } from "./database-now.ts";
import type { LockedRunRow } from "./locked-run-row.ts";

export type AbsentRuns = {
  readonly sessionId: string;
  /** What the agent says it holds. */
  readonly held: readonly { readonly runId: string; readonly epoch: number }[];
  /** A run that has been in its state for less than this may have been claimed after the list was made. */
  readonly graceSeconds: number;
  readonly actor: Actor;
  readonly now?: Date | null;
};

const MOVES: Readonly<Record<string, Move>> = {
  PENDING: { type: "SCHEDULED", name: "Scheduled", reason: "released" },
  CANCELLING: { type: "CANCELLED", name: "Cancelled", reason: "cancelled" },
};
const GONE: Move = { type: "CRASHED", name: "Crashed", reason: "abandoned" };

/**
 * Settles runs that a session holds here but that its beating agent does not know of: a lost answer or a lost release
 * left them, and no report about them will ever come.
 *
 * Returns the runs that moved. Locks: their live_run rows, in order of run id, skipping what a report holds just now.
 * Index: live_run_session_idx.
 */
export async function settleAbsentRuns(tx: Tx, absent: AbsentRuns): Promise<MovedRun[]> {
  const at = await databaseNow(tx, absent.now);
  const rows = await lockAbsent(tx, absent, at);
  if (rows.length === 0) return [];
  const moves = rows.map((row) =>
    toMove(row, MOVES[row.state_type] ?? GONE, { actor: absent.actor, at }),
  );
  return applyMoves(tx, moves, at);
}

function lockAbsent(
  tx: Tx,
  { sessionId, held, graceSeconds }: AbsentRuns,
  at: Date,
): Promise<LockedRunRow[]> {
  return tx.prisma.$queryRaw<LockedRunRow[]>`
    select l.run_id, l.workspace_id, l.state_type, l.state_name, l.state_sequence, l.epoch, l.lease_token,
      l.session_id, l.pool_id, l.retry
    from live_run l
    where l.workspace_id = ${tx.workspaceId}::uuid and l.session_id = ${sessionId}::uuid
      and l.state_at <= ${at}::timestamptz - make_interval(secs => ${graceSeconds}::double precision)
      and not exists (
        select from unnest(${held.map(({ runId }) => runId)}::uuid[], ${held.map(({ epoch }) => epoch)}::int[])
          as listed (run_id, epoch)
        where listed.run_id = l.run_id and listed.epoch = l.epoch
      )
    order by l.run_id
    for update skip locked`;
}
