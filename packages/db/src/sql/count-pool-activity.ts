import type { Tx } from "../transaction.ts";

export type PoolActivity = {
  /** Agents with an open session whose lease stands. */
  readonly onlineAgents: number;
  /** Their capacity together. */
  readonly capacity: number;
  /** Runs of the pool that some session holds. */
  readonly activeRuns: number;
};

/**
 * Counts who serves pools and how busy they are, by the database's clock.
 *
 * Locks: none. Indexes: agent_pool_id_idx, agent_session_agent_id_epoch_idx, live_run_session_idx.
 */
export async function countPoolActivity(
  tx: Tx,
  poolIds: readonly string[],
): Promise<Map<string, PoolActivity>> {
  if (poolIds.length === 0) return new Map();
  const rows = await tx.prisma.$queryRaw<
    { pool_id: string; online_agents: number; capacity: number; active_runs: number }[]
  >`
    select given.pool_id, online.agents as online_agents, online.capacity, (
        select count(*)::int from live_run l
        where l.workspace_id = ${tx.workspaceId}::uuid and l.pool_id = given.pool_id and l.session_id is not null
      ) as active_runs
    from unnest(${poolIds}::uuid[]) as given (pool_id)
    cross join lateral (
      select count(distinct s.agent_id)::int as agents, coalesce(sum(s.capacity), 0)::int as capacity
      from agent a
      join agent_session s on s.agent_id = a.id and s.workspace_id = ${tx.workspaceId}::uuid
      where a.workspace_id = ${tx.workspaceId}::uuid and a.pool_id = given.pool_id and s.ended_at is null
        and s.lease_expires_at > now()
    ) as online`;
  return new Map(
    rows.map((row) => [
      row.pool_id,
      { onlineAgents: row.online_agents, capacity: row.capacity, activeRuns: row.active_runs },
    ]),
  );
}
