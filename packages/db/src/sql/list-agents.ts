import { Prisma } from "../generated/client.ts";
import type { Tx } from "../transaction.ts";
import { readInOrder } from "./read-in-order.ts";

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
 * Locks: none. Indexes: agent_pkey (from where the page begins, past those of other workspaces), agent_session_agent_id_epoch_idx, live_run_session_idx.
 */
export function listAgentRows(
  tx: Tx,
  query: { cursor: string | null; limit: number; poolName: string | null },
): Promise<AgentRow[]> {
  const { cursor, limit, poolName } = query;
  const workspace = Prisma.sql`${tx.workspaceId}::uuid`;
  const isBefore = cursor === null ? Prisma.empty : Prisma.sql`and a.id < ${cursor}::uuid`;
  const isInPool =
    poolName === null
      ? Prisma.empty
      : Prisma.sql`and a.pool_id = (select id from work_pool where workspace_id = ${workspace} and name = ${poolName}::text)`;
  return readInOrder(
    tx,
    Prisma.sql`
    select a.id, a.name, p.name as pool_name, a.created_at, s.version, s.heartbeat_at as last_seen_at,
      coalesce(s.ended_at is null and s.lease_expires_at > now(), false) as online, coalesce(s.capacity, 0) as capacity,
      (
        select count(*)::int
        from agent_session held
        join live_run l on l.session_id = held.id and (l.workspace_id = ${workspace}) is true
        where held.agent_id = a.id and (held.workspace_id = ${workspace}) is true
      ) as active_runs
    from (
      select * from agent a
      where (a.workspace_id = ${workspace}) is true and a.revoked_at is null ${isBefore} ${isInPool}
      order by a.id desc limit ${limit}::int
    ) as a
    join work_pool p on p.id = a.pool_id and (p.workspace_id = ${workspace}) is true
    left join lateral (
      select * from agent_session newest
      where newest.agent_id = a.id and (newest.workspace_id = ${workspace}) is true
      order by newest.epoch desc limit 1
    ) as s on true
    order by a.id desc`,
  );
}
