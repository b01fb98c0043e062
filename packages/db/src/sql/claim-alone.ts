import { Prisma } from "../generated/client.ts";
import type { Tx } from "../transaction.ts";
import type { Claim } from "./claim-runs.ts";
import { claimingSession, isOpenToMine, isUnlimited } from "./claiming-session.ts";
import {
  dueUntil,
  leaseColumns,
  leasing,
  toClaimed,
  type ClaimedRuns,
  type LeaseRow,
} from "./lease-rows.ts";
import { waitingLines } from "./lock-session.ts";
import {
  deploymentColumns,
  toLeasedDeployment,
  type LeasedDeploymentRow,
} from "./read-leased-deployments.ts";

// As many tokens travel with the statement, used or not.
const MOST_RUNS = 16;

/**
 * As {@link claimRuns}, in one round trip, for the simple case: all that waits for the session is one line that nothing
 * limits, so there are no turns to deal and no rooms to count. Takes at most 16 runs; none when the case is another one, or
 * when this very claim has taken some before, and then it says nothing about what waits.
 *
 * The whole transaction. Locks: the agent_session row, for no key update; then the claimed live_run rows, skipping what
 * other claims hold. Indexes: those of lock-session.ts, claim-runs.ts and read-leased-deployments.ts.
 */
export async function claimAlone(tx: Tx, claim: Claim): Promise<ClaimedRuns> {
  const locking = tx.prisma.$queryRaw`/* prepared */
    select from agent_session s
    where (s.workspace_id = ${tx.workspaceId}::uuid) is true and s.id = ${claim.sessionId}::uuid
      and ${claim.principalId}::uuid in (s.agent_id, s.api_key_id)
    for no key update`;
  tx.ends();
  // Its snapshot is taken once the session is locked, and so sees what an earlier claim of it has just taken.
  const [, rows] = await Promise.all([locking, take(tx, claim)]);
  const deployments = new Map(rows.map((row) => [row.deployment_id, toLeasedDeployment(row)]));
  return toClaimed(rows, deployments);
}

function take(tx: Tx, claim: Claim): Promise<(LeaseRow & LeasedDeploymentRow)[]> {
  const { now = null } = claim;
  const most = Math.min(claim.max, MOST_RUNS);
  return tx.prisma.$queryRaw<(LeaseRow & LeasedDeploymentRow)[]>`/* prepared */
    with recursive ${claimingSession(tx, claim)},
    ${waitingLines(tx, Prisma.sql`(select pool_id from mine)`)},
    open as materialized (
      select line.queue_priority, line.queue_id, line.deployment_id,
        ${isUnlimited} as is_unlimited
      from line
      cross join mine
      join work_queue q on q.id = line.queue_id and (q.workspace_id = ${tx.workspaceId}::uuid) is true
      join deployment d on d.id = line.deployment_id and (d.workspace_id = ${tx.workspaceId}::uuid) is true
      where line.scheduled_for <= coalesce(${now}::timestamptz, now()) and ${isOpenToMine}
    ),
    picked as materialized (
      select next.run_id
      from open
      cross join mine
      cross join held
      cross join lateral (
        select l.run_id
        from live_run l
        where (l.workspace_id = ${tx.workspaceId}::uuid) is true and l.pool_id = mine.pool_id
          and l.queue_priority = open.queue_priority and l.queue_id = open.queue_id
          and l.deployment_id = open.deployment_id and l.session_id is null and l.state_type = 'SCHEDULED'
          and l.scheduled_for <= ${dueUntil(now)}
        order by l.scheduled_for, l.run_id
        limit greatest(0, least(${most}::int, mine.capacity - held.count))
        for no key update skip locked
      ) as next
      where open.is_unlimited and (select count(*) from open) = 1 and not held.before
    ),
    ${leasing(tx, { ...claim, agentId: Prisma.sql`(select agent_id from mine)`, most })}
    select ${leaseColumns(tx)}, ${deploymentColumns(tx)}
    from claimed l
    join flow_run r on r.id = l.run_id and (r.workspace_id = ${tx.workspaceId}::uuid) is true
    join deployment d on d.id = l.deployment_id and (d.workspace_id = ${tx.workspaceId}::uuid) is true
    join flow f on f.id = d.flow_id and (f.workspace_id = ${tx.workspaceId}::uuid) is true
    join flow_version v on v.id = d.flow_version_id and (v.workspace_id = ${tx.workspaceId}::uuid) is true`;
}
