import { randomBytes } from "node:crypto";
import { DownbeatError, type Lease } from "@downbeat/contract";
import { Prisma } from "../generated/client.ts";
import type { Tx } from "../transaction.ts";
import { lockSession, type ClaimingSession } from "./lock-session.ts";

export type Claim = {
  readonly sessionId: string;
  /** The agent or API key that asks; a session of someone else is not open to it. */
  readonly principalId: string;
  /** A repeated claim with the same id returns the same leases. */
  readonly claimRequestId: string;
  readonly max: number;
  /** For tests; the database's clock when absent. */
  readonly now?: Date | null;
};

type Row = {
  run_id: string;
  epoch: number;
  lease_token: string;
  flow_name: string;
  deployment_name: string;
  content_hash: string;
  entrypoint: string;
  default_parameters: string | null;
  parameters: string | null;
  timeout_seconds: number | null;
  inputs: Lease["inputs"] | null;
};

/**
 * Leases runs to a session: SCHEDULED → PENDING with a new epoch and token, by queue priority and then by time. Takes no
 * more than the session's free capacity and the pool's limit leave, and nothing from what is paused.
 *
 * Returns the leases; those of an earlier claim with the same `claimRequestId` again, if it made any.
 * Locks: see lock-session.ts; then the claimed live_run rows, skipping what other claims hold.
 * Indexes: live_run_claim_idx (ordered scan, stops at the limit), live_run_session_idx.
 *
 * @throws DownbeatError `session_ended` when the session is not open.
 */
export async function claimRuns(tx: Tx, claim: Claim): Promise<Lease[]> {
  const now = claim.now ?? null;
  const session = await lockSession(tx, claim, now);
  if (session === undefined) {
    throw new DownbeatError("session_ended", {
      message: `The session ${claim.sessionId} is not open.`,
    });
  }
  if (session.claimedBefore) return readClaimed(tx, claim);
  const free = Math.min(claim.max, session.capacity - session.held);
  if (free <= 0 || session.queueIds.length === 0) return [];
  return take(tx, claim, session, free);
}

async function take(
  tx: Tx,
  claim: Claim,
  session: ClaimingSession,
  free: number,
): Promise<Lease[]> {
  const tokens = Array.from({ length: free }, () => randomBytes(16).toString("hex"));
  const rows = await tx.prisma.$queryRaw<Row[]>`/* prepared */
    with room as (
      select least(${free}::bigint, ${session.concurrencyLimit}::bigint - (
        select count(*) from live_run l
        where l.workspace_id = ${tx.workspaceId}::uuid and l.pool_id = ${session.poolId}::uuid
          and l.session_id is not null and ${session.concurrencyLimit}::int is not null
      )) as slots
    ),
    picked as materialized (
      select l.run_id
      from live_run l
      where l.workspace_id = ${tx.workspaceId}::uuid and l.pool_id = ${session.poolId}::uuid and l.session_id is null
        and l.state_type = 'SCHEDULED' and l.scheduled_for <= coalesce(${claim.now ?? null}::timestamptz, now())
        and l.queue_id = any(${session.queueIds}::uuid[])
        and not (l.deployment_id = any(${session.pausedDeploymentIds}::uuid[]))
      order by l.queue_priority, l.scheduled_for, l.run_id
      limit (select greatest(slots, 0) from room)
      for no key update skip locked
    ),
    numbered as (select run_id, row_number() over () as place from picked),
    claimed as (
      update live_run l
      set state_type = 'PENDING', state_name = 'Pending', state_at = coalesce(${claim.now ?? null}::timestamptz, now()),
        reason = 'claimed', state_sequence = l.state_sequence + 1, epoch = l.epoch + 1,
        lease_token = (${tokens}::text[])[n.place], session_id = ${claim.sessionId}::uuid,
        claim_request_id = ${claim.claimRequestId}::uuid
      from numbered n
      where l.run_id = n.run_id
      returning l.*
    ),
    history as (
      insert into run_state (run_id, sequence, workspace_id, type, name, at, epoch, actor_kind, actor_id, reason)
      select run_id, state_sequence, ${tx.workspaceId}::uuid, 'PENDING', 'Pending', state_at, epoch, 'agent',
        ${session.agentId}::uuid, 'claimed'
      from claimed
    )
    select l.run_id, l.epoch, l.lease_token, f.name as flow_name, d.name as deployment_name, v.content_hash,
      d.entrypoint, d.default_parameters, r.parameters, d.timeout_seconds, ${inputsOf(tx)} as inputs
    from claimed l
    join flow_run r on r.id = l.run_id and (r.workspace_id = ${tx.workspaceId}::uuid) is true
    join flow f on f.id = r.flow_id and f.workspace_id = ${tx.workspaceId}::uuid
    join deployment d on d.id = r.deployment_id and d.workspace_id = ${tx.workspaceId}::uuid
    join flow_version v on v.id = d.flow_version_id and v.workspace_id = ${tx.workspaceId}::uuid
    order by l.queue_priority, l.scheduled_for, l.run_id`;
  return rows.map(toLease);
}

async function readClaimed(tx: Tx, claim: Claim): Promise<Lease[]> {
  const rows = await tx.prisma.$queryRaw<Row[]>`
    select l.run_id, l.epoch, l.lease_token, f.name as flow_name, d.name as deployment_name, v.content_hash,
      d.entrypoint, d.default_parameters, r.parameters, d.timeout_seconds, ${inputsOf(tx)} as inputs
    from live_run l
    join flow_run r on r.id = l.run_id and (r.workspace_id = ${tx.workspaceId}::uuid) is true
    join flow f on f.id = r.flow_id and f.workspace_id = ${tx.workspaceId}::uuid
    join deployment d on d.id = r.deployment_id and d.workspace_id = ${tx.workspaceId}::uuid
    join flow_version v on v.id = d.flow_version_id and v.workspace_id = ${tx.workspaceId}::uuid
    where l.workspace_id = ${tx.workspaceId}::uuid and l.session_id = ${claim.sessionId}::uuid
      and l.claim_request_id = ${claim.claimRequestId}::uuid
    order by l.queue_priority, l.scheduled_for, l.run_id`;
  return rows.map(toLease);
}

// Nothing was given to a run before its first attempt, so most claims read no input at all.
function inputsOf(tx: Tx): Prisma.Sql {
  return Prisma.sql`case when l.epoch > 1 then (
      select jsonb_agg(jsonb_build_object('key', i.key, 'input', i.input) order by i.key) from run_input i
      where i.run_id = l.run_id and (i.workspace_id = ${tx.workspaceId}::uuid) is true
    ) end`;
}

function toLease(row: Row): Lease {
  return {
    runId: row.run_id,
    epoch: row.epoch,
    leaseToken: row.lease_token,
    flowName: row.flow_name,
    deploymentName: row.deployment_name,
    contentHash: row.content_hash,
    entrypoint: row.entrypoint as Lease["entrypoint"],
    defaultParameters: row.default_parameters as Lease["defaultParameters"],
    parameters: row.parameters as Lease["parameters"],
    timeoutSeconds: row.timeout_seconds,
    inputs: row.inputs ?? [],
  };
}
