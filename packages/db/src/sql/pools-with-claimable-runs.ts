import type { EngineTx } from "../transaction.ts";

/**
 * Which of these pools, of any workspace, hold work that a claim could take now. Asked once a second for all held
 * polls together, so that work made by another process is found.
 *
 * Locks: none. Index: live_run_claim_idx.
 */
export async function poolsWithClaimableRuns(
  tx: EngineTx,
  poolIds: readonly string[],
  now: Date | null = null,
): Promise<string[]> {
  if (poolIds.length === 0) return [];
  const rows = await tx.prisma.$queryRaw<{ id: string }[]>`/* prepared */
    select p.id
    from work_pool p
    where p.id = any(${poolIds}::uuid[]) and not p.paused and exists (
      select from live_run l
      join work_queue q on q.id = l.queue_id and not q.paused
      where l.pool_id = p.id and l.session_id is null and l.state_type = 'SCHEDULED'
        and l.scheduled_for <= coalesce(${now}::timestamptz, now())
        and not exists (select from deployment d where d.id = l.deployment_id and d.paused)
    )`;
  return rows.map(({ id }) => id);
}
