import { plainColumn } from "../array-literal.ts";
import type { Tx } from "../transaction.ts";

/**
 * Gives the slots of named limits back that runs hold which are no longer live; those of the others stay. A statement of
 * its own after the runs have left live_run: a slot that was taken while that waited for a run shows in its snapshot.
 *
 * Locks: the limit_slot rows. Indexes: limit_slot_run_id_idx (the table is empty where nobody uses named limits), live_run_pkey.
 */
export async function freeEndedSlots(tx: Tx, runIds: readonly string[]): Promise<void> {
  await tx.prisma.$executeRaw`/* prepared */
    delete from limit_slot s
    using unnest(${plainColumn(runIds)}::uuid[]) as ended (run_id)
    where s.run_id = ended.run_id and (s.workspace_id = ${tx.workspaceId}::uuid) is true
      and not exists (
        select from live_run l where l.run_id = s.run_id and (l.workspace_id = ${tx.workspaceId}::uuid) is true
      )`;
}
