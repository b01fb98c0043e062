import { randomBytes } from "node:crypto";
import type { ClaimAnswer, LeasedDeployment, LeasedRun } from "@downbeat/contract";
import { plainColumn } from "../array-literal.ts";
import { Prisma } from "../generated/client.ts";
import type { Tx } from "../transaction.ts";

/** Leases in order of their turns, and their deployments. */
export type ClaimedRuns = Pick<ClaimAnswer, "leases" | "deployments"> & {
  /** Per lease, the number of its run's last history row. */
  readonly sequences: readonly number[];
};

/** What {@link leaseColumns} selects. */
export type LeaseRow = {
  run_id: string;
  epoch: number;
  state_sequence: number;
  lease_token: string;
  queue_priority: number;
  queue_id: string;
  deployment_id: string;
  /** Milliseconds since 1970. */
  due_ms: number;
  parameters: string | null;
  trigger_signature: string | null;
  results_from: number;
  inputs: LeasedRun["inputs"] | null;
};

type Leasing = {
  readonly sessionId: string;
  readonly claimRequestId: string;
  /** The session's agent, null for another owner; an expression. */
  readonly agentId: Prisma.Sql;
  /** No more runs than this are in `picked`. */
  readonly most: number;
  readonly now?: Date | null;
};

/** The terms of a statement that lease the runs of its term `picked (run_id)`, which it has locked; `claimed` is the last. */
export function leasing(
  tx: Tx,
  { sessionId, claimRequestId, agentId, most, now = null }: Leasing,
): Prisma.Sql {
  return Prisma.sql`numbered as (
      -- As an array they are taken for few: for the tenth of what waits that a limit promises, all live runs would be read.
      select run_id, place from unnest(array(select run_id from picked)) with ordinality as given (run_id, place)
    ),
    claimed as (
      update live_run l
      set state_type = 'PENDING', state_name = 'Pending', state_at = coalesce(${now}::timestamptz, now()),
        reason = 'claimed', state_sequence = l.state_sequence + 1, epoch = l.epoch + 1,
        lease_token = (${plainColumn(makeTokens(most))}::text[])[n.place], session_id = ${sessionId}::uuid,
        claim_request_id = ${claimRequestId}::uuid,
        claimed_at = case when l.epoch = 0 and ${agentId} is not null then coalesce(${now}::timestamptz, now()) end
      from numbered n
      where l.run_id = n.run_id
      returning l.run_id, l.epoch, l.lease_token, l.queue_priority, l.queue_id, l.deployment_id, l.scheduled_for,
        l.state_sequence, l.state_at, l.claimed_at
    ),
    -- A first claim is told by the run's own row, until something else than its start and end happens.
    history as (
      insert into run_state (run_id, sequence, workspace_id, type, name, at, epoch, actor_kind, actor_id, reason)
      select run_id, state_sequence, ${tx.workspaceId}::uuid, 'PENDING', 'Pending', state_at, epoch, 'agent',
        ${agentId}, 'claimed'
      from claimed
      where claimed_at is null
    )`;
}

/**
 * Until when a run must be due to be claimed. A query of its own: row-level security keeps a condition that holds a `coalesce` from
 * an index, and every run that is planned for later would be looked at.
 */
export function dueUntil(now: Date | null = null): Prisma.Sql {
  return Prisma.sql`(select coalesce(${now}::timestamptz, now()))`;
}

// One draw for all: 128 random bits each, hexadecimal.
function makeTokens(count: number): string[] {
  const drawn = randomBytes(16 * count).toString("hex");
  return Array.from({ length: count }, (_, index) => drawn.slice(index * 32, (index + 1) * 32));
}

/**
 * The columns of a {@link LeaseRow}, of live_run `l` and flow_run `r`. Nothing was given to a run before its first attempt,
 * so most claims read no input at all.
 */
export function leaseColumns(tx: Tx): Prisma.Sql {
  return Prisma.sql`l.run_id, l.epoch, l.state_sequence, l.lease_token, l.queue_priority, l.queue_id, l.deployment_id,
      date_part('epoch', l.scheduled_for) * 1000 as due_ms, r.parameters,
      r.trigger_signature, r.results_from,
      case when l.epoch > 1 then (
        select jsonb_agg(jsonb_build_object('key', i.key, 'input', i.input, 'signature', i.signature, 'givenAt', i.given_at)
          order by i.key) from run_input i
        where i.run_id = l.run_id and (i.workspace_id = ${tx.workspaceId}::uuid) is true
      ) end as inputs`;
}

export function toClaimed(
  rows: readonly LeaseRow[],
  deployments: ReadonlyMap<string, LeasedDeployment>,
): ClaimedRuns {
  const places = new Map([...deployments.keys()].map((id, place) => [id, place]));
  const inOrder = rows.toSorted(byTurn);
  return {
    leases: inOrder.map((row) => toLease(row, places)),
    deployments: [...deployments.values()],
    sequences: inOrder.map((row) => row.state_sequence),
  };
}

function byTurn(a: LeaseRow, b: LeaseRow): number {
  return (
    a.queue_priority - b.queue_priority || a.due_ms - b.due_ms || (a.run_id < b.run_id ? -1 : 1)
  );
}

function toLease(row: LeaseRow, places: ReadonlyMap<string, number>): LeasedRun {
  const deployment = places.get(row.deployment_id);
  if (deployment === undefined)
    throw new Error(`The deployment ${row.deployment_id} is not there.`);
  return {
    runId: row.run_id,
    epoch: row.epoch,
    leaseToken: row.lease_token,
    deployment,
    parameters: row.parameters as LeasedRun["parameters"],
    signature: row.trigger_signature as LeasedRun["signature"],
    inputs: row.inputs ?? [],
    resultsFrom: row.results_from,
  };
}
