import type { Tx } from "../transaction.ts";

/**
 * Carries a queue's priority over to the runs that wait in it: claims order by the copy in live_run.
 *
 * Locks: those live_run rows. Index: live_run_claim_idx, filtered by queue.
 */
export async function setQueuePriority(
  tx: Tx,
  queue: { queueId: string; priority: number },
): Promise<void> {
  await tx.prisma.$executeRaw`
    update live_run
    set queue_priority = ${queue.priority}::int
    where workspace_id = ${tx.workspaceId}::uuid and queue_id = ${queue.queueId}::uuid and session_id is null
      and queue_priority <> ${queue.priority}::int`;
}
