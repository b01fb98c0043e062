import type { EngineTx } from "../transaction.ts";
import { databaseNow } from "./database-now.ts";

export type ForgetAgents = {
  /** How long an agent must have been silent, in hours. */
  readonly silentHours: number;
  readonly now?: Date | null;
};

/**
 * Revokes agents of every workspace that are one process each and have not been heard of for so long. Their rows stay: runs
 * name them.
 *
 * Returns their ids. Locks: the agent rows. Index: agent_session_agent_id_epoch_idx; agents are few and read whole.
 */
export async function forgetAgents(
  tx: EngineTx,
  { silentHours, now }: ForgetAgents,
): Promise<string[]> {
  const at = await databaseNow(tx, now);
  const rows = await tx.prisma.$queryRaw<{ id: string }[]>`
    with silence as (select ${at}::timestamptz - ${silentHours}::int * interval '1 hour' as since)
    update agent a set revoked_at = ${at}::timestamptz
    from silence
    where a.ephemeral and a.revoked_at is null and a.created_at < silence.since
      and not exists (
        select from agent_session s
        where s.agent_id = a.id and s.workspace_id = a.workspace_id and s.heartbeat_at >= silence.since
      )
    returning a.id`;
  return rows.map(({ id }) => id);
}
