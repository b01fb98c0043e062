import { uuidv7 } from "uuidv7";
import type { Tx } from "../transaction.ts";

export type NewSession = {
  /** Whose session it is: exactly one of the two. */
  readonly owner: { readonly agentId: string } | { readonly apiKeyId: string };
  /** Null for a standalone script, which claims nothing. */
  readonly poolId: string | null;
  readonly capacity: number;
  readonly queueNames?: readonly string[];
  readonly labels?: readonly string[];
  readonly version?: string | null;
  readonly leaseSeconds: number;
  readonly now?: Date | null;
};

/**
 * Opens a session with a lease that starts now. Its epoch is one more than the agent's last; of a standalone script, 1.
 *
 * Locks: the agent's row, so that two processes with one identity get different epochs.
 * Index: agent_session_agent_id_epoch_idx.
 */
export async function openSession(
  tx: Tx,
  session: NewSession,
): Promise<{ sessionId: string; epoch: number }> {
  const agentId = "agentId" in session.owner ? session.owner.agentId : null;
  const apiKeyId = "apiKeyId" in session.owner ? session.owner.apiKeyId : null;
  if (agentId !== null) await lockAgent(tx, agentId);
  const [row] = await tx.prisma.$queryRaw<[{ id: string; epoch: number }]>`
    insert into agent_session (id, workspace_id, agent_id, api_key_id, pool_id, epoch, capacity, queue_names, labels,
      version, opened_at, heartbeat_at, lease_expires_at)
    select ${uuidv7()}::uuid, ${tx.workspaceId}::uuid, ${agentId}::uuid, ${apiKeyId}::uuid, ${session.poolId}::uuid,
      1 + coalesce((
        select max(epoch) from agent_session
        where workspace_id = ${tx.workspaceId}::uuid and agent_id = ${agentId}::uuid
      ), 0),
      ${session.capacity}::int, ${session.queueNames ?? []}::text[], ${session.labels ?? []}::text[],
      ${session.version ?? null}::text, at, at, at + make_interval(secs => ${session.leaseSeconds}::double precision)
    from (select coalesce(${session.now ?? null}::timestamptz, now()) as at) as clock
    returning id, epoch`;
  return { sessionId: row.id, epoch: row.epoch };
}

async function lockAgent(tx: Tx, agentId: string): Promise<void> {
  await tx.prisma.$queryRaw`
    select 1 from agent where workspace_id = ${tx.workspaceId}::uuid and id = ${agentId}::uuid for no key update`;
}
