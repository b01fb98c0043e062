import { randomBytes } from "node:crypto";
import type { LeasedRun } from "@downbeat/contract";
import { Prisma } from "../generated/client.ts";
import type { Tx } from "../transaction.ts";
import type { Claim } from "./claim-runs.ts";
import { claimingSession, isOpenToMine, isUnlimited } from "./claiming-session.ts";
import type { ClaimedRuns } from "./lease-rows.ts";
import { waitingLines } from "./lock-session.ts";
import { toInserted, type Target } from "./made-runs.ts";
import { making, targetColumns } from "./making-runs.ts";
import type { InsertedRun, NewRun } from "./new-run.ts";
import {
  toLeasedDeployment,
  unnamedDeploymentColumns,
  type LeasedDeploymentRow,
} from "./read-leased-deployments.ts";
import { byTarget, type MoreOfTarget } from "./targets.ts";

// Each is a jump in an index. Where more deployments have runs planned, whoever makes one shall not wait for so many.
const MOST_LINES = 64;

/** What became of the row, and what the claim has got of it: one lease or none. */
export type InsertedAndClaimed = {
  readonly inserted: InsertedRun;
  readonly claimed: ClaimedRuns;
};

type Row = Target &
  Omit<LeasedDeploymentRow, "flow_name" | "deployment_name"> & { is_leased: boolean };

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
    with recursive ${claimingSession(tx, claim)},
    ${making(tx, [row], { asked, now, more: moreOfTarget(tx) })},
    ${waitingLines(tx, Prisma.sql`(select pool_id from mine)`)},
    few as materialized (
      select line.scheduled_for <= clock.at as is_due from line cross join clock limit ${MOST_LINES + 1}::int
    ),
    lease as materialized (
      select 'PENDING' as type, 'Pending' as name, 'claimed' as reason, 1 as sequence, 1 as epoch,
        ${leaseToken}::text as token, ${sessionId}::uuid as session_id, ${claimRequestId}::uuid as claim_request_id,
        fresh.at as claimed_at
      from fresh
      cross join target
      cross join mine
      cross join held
      where fresh.pool_id = mine.pool_id and fresh.scheduled_for <= fresh.at and mine.agent_id is not null
        and target.is_open_to_mine and target.is_unlimited and held.count < mine.capacity and not held.before
        and current_setting('app.locked_session', true) = ${sessionId}::text
        and (select count(*) <= ${MOST_LINES}::int and not coalesce(bool_or(is_due), false) from few)
    ),
    live as (
      insert into live_run (run_id, workspace_id, deployment_id, pool_id, queue_id, queue_priority, scheduled_for,
        state_type, state_name, state_at, reason, state_sequence, retry, parent_run_id, epoch, lease_token, session_id,
        claim_request_id, claimed_at)
      select fresh.run_id, ${tx.workspaceId}::uuid, fresh.deployment_id, fresh.pool_id, fresh.queue_id, fresh.queue_priority,
        fresh.scheduled_for, coalesce(lease.type, 'SCHEDULED'), coalesce(lease.name, 'Scheduled'), fresh.at,
        coalesce(lease.reason, 'created'), coalesce(lease.sequence, 0), fresh.retry, fresh.parent_run_id,
        coalesce(lease.epoch, 0), lease.token, lease.session_id, lease.claim_request_id, lease.claimed_at
      from fresh left join lease on true
    )
    select ${targetColumns([row])}, exists (select from lease) as is_leased, target.content_hash, target.entrypoint,
      target.default_parameters, target.signature, target.timeout_seconds, target.exclusive, target.limited_tags
    from target cross join clock`;
  const [inserted = { status: "unknown", flowExists: false }] = toInserted([row], asked, rows);
  const [made] = rows;
  if (made?.is_leased !== true || inserted.status !== "created")
    return { inserted, claimed: NOTHING };
  const lease = toFirstLease(row, inserted.runId, leaseToken);
  const deployment = toLeasedDeployment({
    ...made,
    flow_name: row.flowName,
    deployment_name: row.deploymentName,
  });
  return { inserted, claimed: { leases: [lease], deployments: [deployment], sequences: [1] } };
}

// What the agent is told of the deployment, and whether its runs may be given to it at once.
function moreOfTarget(tx: Tx): MoreOfTarget {
  return {
    columns: Prisma.sql`${unnamedDeploymentColumns(tx)}, ${isUnlimited} as is_unlimited,
      exists (select from mine where ${isOpenToMine}) as is_open_to_mine`,
    joins: Prisma.sql`join flow_version v on v.id = d.flow_version_id and (v.workspace_id = ${tx.workspaceId}::uuid) is true`,
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
