import { Prisma } from "../generated/client.ts";
import type { Tx } from "../transaction.ts";
import type { Claim } from "./claim-runs.ts";

/**
 * The terms `mine`, a session that may claim in a pool that is neither paused nor limited, no row otherwise; and `held (count, before)`: how many
 * runs it holds, and whether this claim has taken any of them.
 */
export function claimingSession(
  tx: Tx,
  { sessionId, claimRequestId, principalId, now = null }: Claim,
): Prisma.Sql {
  return Prisma.sql`mine as materialized (
      select s.agent_id, s.pool_id, s.labels, s.queue_names, s.capacity
      from agent_session s
      join work_pool p on (p.workspace_id = ${tx.workspaceId}::uuid) is true and p.id = s.pool_id
      where (s.workspace_id = ${tx.workspaceId}::uuid) is true and s.id = ${sessionId}::uuid
        and ${principalId}::uuid in (s.agent_id, s.api_key_id) and s.ended_at is null
        and s.lease_expires_at > coalesce(${now}::timestamptz, now())
        and not p.paused and p.concurrency_limit is null
    ),
    held as (
      select count(*)::int as count, coalesce(bool_or(l.claim_request_id = ${claimRequestId}::uuid), false) as before
      from live_run l
      where (l.workspace_id = ${tx.workspaceId}::uuid) is true and l.session_id = ${sessionId}::uuid
    )`;
}

/** Whether the session `mine` may take runs of queue `q` and deployment `d` at all. */
export const isOpenToMine = Prisma.sql`not q.paused and not d.paused and d.required_labels <@ mine.labels
        and (mine.queue_names = '{}' or q.name = any(mine.queue_names))`;

/** Whether queue `q` and deployment `d` take any number of runs. */
export const isUnlimited = Prisma.sql`q.concurrency_limit is null and d.concurrency_limit is null and d.limit_names = '{}'`;
