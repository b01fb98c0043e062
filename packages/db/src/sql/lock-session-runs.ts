import type { Tx } from "../transaction.ts";
import type { LockedRunRow } from "./locked-run-row.ts";

/**
 * Locks every run that some sessions hold.
 *
 * Locks: live_run rows, for update, in order of run id. Index: live_run_session_idx.
 */
export function lockSessionRuns(tx: Tx, sessionIds: readonly string[]): Promise<LockedRunRow[]> {
  return tx.prisma.$queryRaw<LockedRunRow[]>`
    select run_id, workspace_id, state_type, state_name, state_sequence, epoch, lease_token, session_id, pool_id, retry
    from live_run
    where workspace_id = ${tx.workspaceId}::uuid and session_id = any(${sessionIds}::uuid[])
    order by run_id
    for update`;
}
