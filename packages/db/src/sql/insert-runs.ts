import type { Tx } from "../transaction.ts";
import { toInserted, type Target } from "./made-runs.ts";
import { making, targetColumns } from "./making-runs.ts";
import type { InsertedRun, NewRun } from "./new-run.ts";
import { byTarget } from "./targets.ts";

/**
 * Makes runs: identity, live row and idempotency key in one statement. The identity tells all about a run's first state,
 * so its history begins with the second (see listRunStates).
 *
 * Returns one answer per row, in order, for `findTaken`. Two rows of one call may share a key; the second is then taken.
 * Locks: the new rows; a key that another transaction is just inserting is waited for, in order of key.
 * Indexes: flow_workspace_id_name_key, deployment_flow_id_name_key, idempotency_pkey, flow_run_pkey.
 *
 * @param now for tests; the database's clock when null
 */
export async function insertRuns(
  tx: Tx,
  rows: readonly NewRun[],
  now: Date | null = null,
): Promise<InsertedRun[]> {
  const asked = byTarget(rows);
  const targets = await tx.prisma.$queryRaw<Target[]>`/* prepared */
    with ${making(tx, rows, { asked, now })},
    live as (
      insert into live_run (run_id, workspace_id, deployment_id, pool_id, queue_id, queue_priority, scheduled_for,
        state_type, state_name, state_at, reason, state_sequence, retry, parent_run_id)
      select run_id, ${tx.workspaceId}::uuid, deployment_id, pool_id, queue_id, queue_priority, scheduled_for,
        'SCHEDULED', 'Scheduled', at, 'created', 0, retry, parent_run_id
      from fresh
    )
    select ${targetColumns(rows)}
    from target cross join clock
    order by target.ordinal`;
  return toInserted(rows, asked, targets);
}
