import { randomBytes } from "node:crypto";
import type { LeasedRun } from "@downbeat/contract";
import { Prisma } from "../generated/client.ts";
import type { Tx } from "../transaction.ts";
import type { Claim } from "./claim-runs.ts";
import { claimingSession, isOpenToMine, isUnlimited } from "./claiming-session.ts";
import type { ClaimedRuns } from "./lease-rows.ts";
import { waitingLines } from "./lock-session.ts";
import { toInserted, type Target } from "./made-runs.ts";
import { byTarget, making, targetColumns } from "./making-runs.ts";
import type { InsertedRun, NewRun } from "./new-run.ts";
import {
  deploymentColumns,
  toLeasedDeployment,
  type LeasedDeploymentRow,
} from "./read-leased-deployments.ts";

// Each is a jump in an index. Where more deployments have runs planned, whoever makes one shall not wait for so many.
const MOST_LINES = 64;

/** What became of the row, and what the claim has got of it: one lease or none. */
export type InsertedAndClaimed = {
  readonly inserted: InsertedRun;
  readonly claimed: ClaimedRuns;
};

// The deployment is there if the run was given away.
type Row = Target & LeasedDeploymentRow & { is_leased: boolean };

/**
 * As insert-runs.ts for one run, and gives it to a claim that waits, as claim-alone.ts would right behind: if nothing else is due in the
 * pool and few lines wait for later, nothing limits the run, and the session has room. Otherwise the run is made as ever, and waits.
 *
 * The whole transaction. Locks: those of insert-runs.ts; the agent_session row, for no key update. If that is locked by another claim the run
 * is not given away: making a run never waits for a claim.
 * Indexes: those of insert-runs.ts and claim-alone.ts.
 */
export async function insertLeasedRun(
  tx: Tx,
  row: NewRun,
  claim: Claim,
): Promise<InsertedAndClaimed> {
  const locking = lockSessionIfFree(tx, claim);
  tx.ends();
  // Its snapshot is taken once the session is locked, and so sees what an earlier claim of it has just taken.
  const [, inserted] = await Promise.all([locking, insert(tx, row, claim)]);
  return inserted;
}

// What the next statement may rely on has to be told to it: both are on their way before either is answered.
function lockSessionIfFree(tx: Tx, { sessionId, principalId }: Claim): Promise<unknown> {
  return tx.prisma.$queryRaw`/* prepared */
    with locked as (
      select s.id from agent_session s
      where (s.workspace_id = ${tx.workspaceId}::uuid) is true and s.id = ${sessionId}::uuid
        and ${principalId}::uuid in (s.agent_id, s.api_key_id)
      for no key update skip locked
    )
    select set_config('app.locked_session', locked.id::text, true) from locked`;
}

async function insert(tx: Tx, row: NewRun, claim: Claim): Promise<InsertedAndClaimed> {
  const { sessionId, claimRequestId, now = null } = claim;
  const asked = byTarget([row]);
  const leaseToken = randomBytes(16).toString("hex");
  const rows = await tx.prisma.$queryRaw<Row[]>`/* prepared */
    with recursive ${making(tx, [row], { asked, now })},
    ${claimingSession(tx, claim)},
    ${waitingLines(tx, Prisma.sql`(select pool_id from mine)`)},
    few as materialized (
      select line.scheduled_for <= clock.at as is_due from line cross join clock limit ${MOST_LINES + 1}::int
    ),
    holder as materialized (
      select fresh.deployment_id
      from fresh
      cross join clock
      cross join mine
      cross join held
      join work_queue q on q.id = fresh.queue_id and (q.workspace_id = ${tx.workspaceId}::uuid) is true
      join deployment d on d.id = fresh.deployment_id and (d.workspace_id = ${tx.workspaceId}::uuid) is true
      where fresh.pool_id = mine.pool_id and fresh.scheduled_for <= clock.at and mine.agent_id is not null
        and ${isOpenToMine} and ${isUnlimited} and held.count < mine.capacity and not held.before
        and current_setting('app.locked_session', true) = ${sessionId}::text
        and (select count(*) <= ${MOST_LINES}::int and not coalesce(bool_or(is_due), false) from few)
    ),
    live as (
      insert into live_run (run_id, workspace_id, deployment_id, pool_id, queue_id, queue_priority, scheduled_for,
        state_type, state_name, state_at, reason, state_sequence, retry, parent_run_id, epoch, lease_token, session_id,
        claim_request_id, claimed_at)
      select fresh.run_id, ${tx.workspaceId}::uuid, fresh.deployment_id, fresh.pool_id, fresh.queue_id, fresh.queue_priority,
        fresh.scheduled_for, step.type, step.name, fresh.at, step.reason, step.sequence, fresh.retry, fresh.parent_run_id,
        step.epoch, step.lease_token, step.session_id, step.claim_request_id, step.claimed_at
      from fresh
      cross join lateral (
        select 'PENDING' as type, 'Pending' as name, 'claimed' as reason, 1 as sequence, 1 as epoch,
          ${leaseToken}::text as lease_token, ${sessionId}::uuid as session_id,
          ${claimRequestId}::uuid as claim_request_id, fresh.at as claimed_at
        from holder
        union all
        select 'SCHEDULED', 'Scheduled', 'created', 0, 0, null, null, null, null where not exists (select from holder)
      ) as step
    )
    select ${targetColumns}, leased.deployment_name is not null as is_leased, leased.*
    from target
    cross join clock
    left join lateral (
      select ${deploymentColumns(tx)}
      from holder
      join deployment d on d.id = holder.deployment_id and (d.workspace_id = ${tx.workspaceId}::uuid) is true
      join flow f on f.id = d.flow_id and (f.workspace_id = ${tx.workspaceId}::uuid) is true
      join flow_version v on v.id = d.flow_version_id and (v.workspace_id = ${tx.workspaceId}::uuid) is true
    ) as leased on true`;
  const [inserted = { status: "unknown", flowExists: false }] = toInserted([row], asked, rows);
  const [made] = rows;
  if (made?.is_leased !== true || inserted.status !== "created")
    return { inserted, claimed: NOTHING };
  const lease = toFirstLease(row, inserted.runId, leaseToken);
  return {
    inserted,
    claimed: { leases: [lease], deployments: [toLeasedDeployment(made)], sequences: [1] },
  };
}

const NOTHING: ClaimedRuns = { leases: [], deployments: [], sequences: [] };

function toFirstLease(row: NewRun, runId: string, leaseToken: string): LeasedRun {
  return {
    runId,
    epoch: 1,
    leaseToken,
    deployment: 0,
    parameters: row.parameters as LeasedRun["parameters"],
    signature: (row.signature ?? null) as LeasedRun["signature"],
    inputs: [],
    resultsFrom: 0,
  };
}
