import type { Tx } from "../transaction.ts";

export type AgentRow = {
  id: string;
  name: string;
  pool_name: string;
  online: boolean;
  version: string | null;
  capacity: number;
  active_runs: number;
  last_seen_at: Date | null;
  created_at: Date;
};

/**
 * Agents that are not revoked, by id, newest first, with what their newest session says, by the database's clock.
 *
 * Locks: none. Indexes: agent_session_agent_id_epoch_idx, live_run_session_idx.
 */
export function listAgentRows(
  tx: Tx,
  query: { cursor: string | null; limit: number; poolName: string | null },
): Promise<AgentRow[]> {
  return tx.prisma.$queryRaw<AgentRow[]>`
    select a.id, a.name, p.name as pool_name, a.created_at, s.version, s.heartbeat_at as last_seen_at,
      coalesce(s.ended_at is null and s.lease_expires_at > now(), false) as online, coalesce(s.capacity, 0) as capacity,
      (
        select count(*)::int
        from agent_session held
        join live_run l on l.session_id = held.id and l.workspace_id = ${tx.workspaceId}::uuid
        where held.agent_id = a.id and held.workspace_id = ${tx.workspaceId}::uuid
      ) as active_runs
    from agent a
    join work_pool p on p.id = a.pool_id and p.workspace_id = ${tx.workspaceId}::uuid
    left join lateral (
      select * from agent_session newest
      where newest.agent_id = a.id and newest.workspace_id = ${tx.workspaceId}::uuid
      order by newest.epoch desc limit 1
    ) as s on true
    where a.workspace_id = ${tx.workspaceId}::uuid and a.revoked_at is null
      and (${query.cursor}::uuid is null or a.id < ${query.cursor}::uuid)
      and (${query.poolName}::text is null or p.name = ${query.poolName}::text)
    order by a.id desc
    limit ${query.limit}::int`;
}
