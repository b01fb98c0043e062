import type { Tx } from "../transaction.ts";

export type ReleaseSlots = {
  readonly runId: string;
  readonly epoch: number;
  readonly leaseToken: string;
  /** Of the requests that took them. */
  readonly requestIds: readonly string[];
};

/**
 * Gives back slots that tasks of a held run took. Those of a run that ended, or that another attempt owns by now, are
 * back already.
 *
 * Returns how many came back. Locks: the limit_slot rows. Indexes: live_run_pkey, limit_slot_run_id_idx.
 */
export function releaseSlots(tx: Tx, asked: ReleaseSlots): Promise<number> {
  return tx.prisma.$executeRaw`/* prepared */
    delete from limit_slot s
    using live_run l
    where l.workspace_id = ${tx.workspaceId}::uuid and l.run_id = ${asked.runId}::uuid
      and l.epoch = ${asked.epoch}::int and l.lease_token = ${asked.leaseToken}::text
      and s.run_id = l.run_id and (s.workspace_id = l.workspace_id) is true and s.holder_id <> s.run_id
      and s.holder_id = any(${asked.requestIds}::uuid[])`;
}
