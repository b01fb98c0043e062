import type { EngineTx } from "../transaction.ts";

/**
 * Which of these pools, of any workspace, hold work that a claim could take now: due, not paused, no limit full, and with
 * an agent whose labels fit. Asked once a second for all held polls together, so that work made by another process is
 * found, and slots that became free.
 *
 * Locks: none. Indexes: live_run_claim_idx (one jump per line), live_run_held_idx, limit_slot_pkey.
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
      with recursive line as (
        (
          select l.queue_priority, l.queue_id, l.deployment_id, l.scheduled_for from live_run l
          where l.pool_id = p.id and l.session_id is null
          order by l.queue_priority, l.queue_id, l.deployment_id, l.scheduled_for limit 1
        )
        union all
        select next.* from line
        cross join lateral (
          select l.queue_priority, l.queue_id, l.deployment_id, l.scheduled_for from live_run l
          where l.pool_id = p.id and l.session_id is null
            and (l.queue_priority, l.queue_id, l.deployment_id) > (line.queue_priority, line.queue_id, line.deployment_id)
          order by l.queue_priority, l.queue_id, l.deployment_id, l.scheduled_for limit 1
        ) as next
      )
      select from line
      join work_queue q on q.id = line.queue_id and not q.paused
      join deployment d on d.id = line.deployment_id and not d.paused
      where line.scheduled_for <= coalesce(${now}::timestamptz, now())
        and not is_full(p.concurrency_limit, q.concurrency_limit, d.concurrency_limit, d.limit_names,
          p.workspace_id, p.id, q.id, d.id, coalesce(${now}::timestamptz, now()))
        and (d.required_labels = '{}' or exists (
          select from agent_session s
          where s.workspace_id = p.workspace_id and s.pool_id = p.id and s.ended_at is null
            and s.lease_expires_at > coalesce(${now}::timestamptz, now()) and d.required_labels <@ s.labels
        ))
    )`;
  return rows.map(({ id }) => id);
}
