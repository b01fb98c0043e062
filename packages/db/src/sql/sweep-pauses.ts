import type { PausePoint } from "@downbeat/contract";
import { lapseStep } from "@downbeat/core";
import { applyMoves, engine, toMove, type MovedRun } from "../engine-move.ts";
import type { EngineTx } from "../transaction.ts";
import { databaseNow } from "./database-now.ts";
import type { LockedRunRow } from "./locked-run-row.ts";

type Row = LockedRunRow & { pause: PausePoint };

/**
 * Settles runs that nobody resumed in time, in every workspace: each fails, or goes on without input, as its flow asked.
 *
 * Returns the runs that moved. Locks: their live_run rows, skipping what someone resumes just now.
 * Index: live_run_pause_idx, in whose order they are read.
 */
export async function sweepPauses(
  tx: EngineTx,
  options: { readonly limit?: number; readonly now?: Date | null } = {},
): Promise<MovedRun[]> {
  const at = await databaseNow(tx, options.now);
  const rows = await tx.prisma.$queryRaw<Row[]>`
    select run_id, workspace_id, state_type, state_name, state_sequence, epoch, lease_token, session_id, pool_id, retry,
      pause
    from live_run
    where pause_deadline is not null and pause_deadline <= ${at}::timestamptz and state_type = 'PAUSED'
    order by pause_deadline
    limit ${options.limit ?? 500}::int
    for update skip locked`;
  if (rows.length === 0) return [];
  await storeNoInput(
    tx,
    rows.filter(({ pause }) => pause.onTimeout === "resume"),
  );
  const moves = rows.map((row) =>
    toMove(row, lapseStep(row.pause, { isHeld: row.session_id !== null }), { actor: engine, at }),
  );
  return applyMoves(tx, moves, at);
}

async function storeNoInput(tx: EngineTx, rows: readonly Row[]): Promise<void> {
  if (rows.length === 0) return;
  await tx.prisma.$executeRaw`
    insert into run_input (run_id, key, workspace_id)
    select * from unnest(
      ${rows.map((row) => row.run_id)}::uuid[], ${rows.map(({ pause }) => pause.key)}::text[],
      ${rows.map((row) => row.workspace_id)}::uuid[]
    )
    on conflict (run_id, key) do nothing`;
}
