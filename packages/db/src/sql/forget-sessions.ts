import type { EngineTx } from "../transaction.ts";
import { databaseNow } from "./database-now.ts";

export type ForgetSessions = {
  /** For how long a session must have been over: ended, or its lease lapsed. */
  readonly overDays: number;
  /** Most that one statement deletes; call again while it returns that many. */
  readonly limit: number;
  readonly now?: Date | null;
};

/**
 * Deletes sessions of every workspace that were over long ago and hold no run. An agent's newest stays: it tells when
 * the agent was heard of last, and its epoch is what the next one goes on from.
 *
 * Returns how many. Locks: their rows. Indexes: live_run_session_idx,
 * agent_session_agent_id_epoch_idx; sessions are few, as they are forgotten, and read whole.
 */
export async function forgetSessions(
  tx: EngineTx,
  { overDays, limit, now }: ForgetSessions,
): Promise<number> {
  const at = await databaseNow(tx, now);
  return tx.prisma.$executeRaw`
    with over_since as (select ${at}::timestamptz - make_interval(days => ${overDays}::int) as at)
    delete from agent_session s using over_since
    where s.id in (
      select o.id from agent_session o
      where coalesce(o.ended_at, o.lease_expires_at) < over_since.at
        and not exists (select from live_run l where l.session_id = o.id)
        and (o.agent_id is null or exists (
          select from agent_session later where later.agent_id = o.agent_id and later.epoch > o.epoch))
      limit ${limit}::int
    )
    -- Again, as an agent may have come back with a beat meanwhile.
    and coalesce(s.ended_at, s.lease_expires_at) < over_since.at`;
}
