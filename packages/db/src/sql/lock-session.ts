import type { Tx } from "../transaction.ts";

/** What a claim needs to know of its session, read under lock. */
export type ClaimingSession = {
  readonly poolId: string;
  readonly agentId: string | null;
  readonly capacity: number;
  readonly held: number;
  /** Whether this very claim has been answered before. */
  readonly claimedBefore: boolean;
  readonly concurrencyLimit: number | null;
  /** Queues of the pool that this session serves and that are not paused; none while its lease has lapsed. */
  readonly queueIds: readonly string[];
  readonly pausedDeploymentIds: readonly string[];
};

type Row = {
  pool_id: string;
  agent_id: string | null;
  capacity: number;
  paused: boolean;
  concurrency_limit: number | null;
  queue_names: string[];
  lapsed: boolean;
};

/**
 * Locks a session for claiming, so that its claims take turns: two at once could exceed its capacity, or answer one
 * request id twice.
 *
 * Returns undefined when the session is not open (ended, of another principal, or without a pool). A lapsed one is open:
 * its agent may come back with a beat, and would take "ended" as word that all it runs is lost.
 * Locks: the agent_session row, for no key update; then the pool's row if it has a concurrency limit.
 * Indexes: agent_session_pkey, work_queue_pool_id_name_key, deployment_queue_id_idx, live_run_session_idx.
 */
export async function lockSession(
  tx: Tx,
  session: { sessionId: string; principalId: string; claimRequestId: string },
  now: Date | null,
): Promise<ClaimingSession | undefined> {
  const [row] = await tx.prisma.$queryRaw<Row[]>`/* prepared */
    select s.pool_id, s.agent_id, s.capacity, s.queue_names, p.paused, p.concurrency_limit,
      s.lease_expires_at <= coalesce(${now}::timestamptz, now()) as lapsed
    from agent_session s
    join work_pool p on p.workspace_id = ${tx.workspaceId}::uuid and p.id = s.pool_id
    where s.workspace_id = ${tx.workspaceId}::uuid and s.id = ${session.sessionId}::uuid
      and ${session.principalId}::uuid in (s.agent_id, s.api_key_id)
      and s.ended_at is null
    for no key update of s`;
  if (row === undefined) return undefined;
  if (row.concurrency_limit !== null) await lockPool(tx, row.pool_id);
  // A statement after the lock: its snapshot sees what an earlier claim of this session has just taken.
  const [facts] = await tx.prisma.$queryRaw<
    { held: number; before: boolean; queue_ids: string[]; paused_ids: string[] }[]
  >`/* prepared */
    select
      (select count(*)::int from live_run l
        where l.workspace_id = ${tx.workspaceId}::uuid and l.session_id = ${session.sessionId}::uuid) as held,
      exists(select from live_run l
        where l.workspace_id = ${tx.workspaceId}::uuid and l.session_id = ${session.sessionId}::uuid
          and l.claim_request_id = ${session.claimRequestId}::uuid) as before,
      array(select q.id from work_queue q
        where q.workspace_id = ${tx.workspaceId}::uuid and q.pool_id = ${row.pool_id}::uuid and not q.paused
          and (${row.queue_names}::text[] = '{}' or q.name = any(${row.queue_names}::text[]))) as queue_ids,
      array(select d.id from deployment d
        join work_queue q on q.workspace_id = ${tx.workspaceId}::uuid and q.id = d.queue_id
        where d.workspace_id = ${tx.workspaceId}::uuid and q.pool_id = ${row.pool_id}::uuid and d.paused) as paused_ids`;
  return {
    poolId: row.pool_id,
    agentId: row.agent_id,
    capacity: row.capacity,
    held: facts?.held ?? 0,
    claimedBefore: facts?.before ?? false,
    concurrencyLimit: row.concurrency_limit,
    queueIds: row.paused || row.lapsed ? [] : (facts?.queue_ids ?? []),
    pausedDeploymentIds: facts?.paused_ids ?? [],
  };
}

async function lockPool(tx: Tx, poolId: string): Promise<void> {
  await tx.prisma.$queryRaw`
    select 1 from work_pool where workspace_id = ${tx.workspaceId}::uuid and id = ${poolId}::uuid for no key update`;
}
