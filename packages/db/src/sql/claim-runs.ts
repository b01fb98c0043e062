import { createHash, randomBytes } from "node:crypto";
import { DownbeatError, type ClaimAnswer, type LeasedRun } from "@downbeat/contract";
import { roomsAfter, shareOut, type WaitingLine } from "@downbeat/core";
import { Prisma } from "../generated/client.ts";
import type { Tx } from "../transaction.ts";
import { plainColumn } from "../array-literal.ts";
import { holdSlots } from "./hold-slots.ts";
import { limitsOf, lockLimits } from "./lock-limits.ts";
import { lockSession, type ClaimingSession, type ClaimLine } from "./lock-session.ts";
import { readLeasedDeployments } from "./read-leased-deployments.ts";

export type Claim = {
  readonly sessionId: string;
  /** The agent or API key that asks; a session of someone else is not open to it. */
  readonly principalId: string;
  /** A repeated claim with the same id returns the same leases. */
  readonly claimRequestId: string;
  readonly max: number;
  /** Is told when runs that are due were left because a limit is full. */
  readonly onLimited?: () => void;
  /** Is told when nothing at all is due in the session's pool. */
  readonly onIdle?: () => void;
  /** For tests; the database's clock when absent. */
  readonly now?: Date | null;
};

/** Leases in order of their turns, and their deployments. */
export type ClaimedRuns = Pick<ClaimAnswer, "leases" | "deployments"> & {
  /** Per lease, the number of its run's last history row. */
  readonly sequences: readonly number[];
};

type Row = {
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

/**
 * Leases runs to a session: SCHEDULED → PENDING with a new epoch and token. By queue priority; by turns among the
 * deployments of one priority, so that a busy one never starves another; and then by time. Takes no more than the
 * session's free capacity and every limit (pool, queue, deployment, named) leaves, and nothing from what is paused.
 *
 * The last of its transaction. Returns the leases; those of an earlier claim with the same `claimRequestId` again, if it made any.
 * Locks: see lock-session.ts; lock-limits.ts, if anything that waits is limited; then the claimed live_run rows, skipping
 * what other claims hold.
 * Indexes: live_run_claim_idx (ordered scan within each line, stops at its share), live_run_session_idx.
 *
 * @throws DownbeatError `session_ended` when the session is not open.
 */
export async function claimRuns(tx: Tx, claim: Claim): Promise<ClaimedRuns> {
  const session = await lockSession(tx, claim, claim.now ?? null);
  if (session === undefined) {
    throw new DownbeatError("session_ended", {
      message: `The session ${claim.sessionId} is not open.`,
    });
  }
  if (session.isIdle) {
    claim.onIdle?.();
    return { leases: [], deployments: [], sequences: [] };
  }
  const rows = session.claimedBefore
    ? await readClaimed(tx, claim)
    : await takeInTurns(tx, claim, session);
  // Nothing follows it, so COMMIT goes out with it; when nothing was claimed it sends nothing.
  if (rows.length > 0) tx.ends();
  const deployments = await readLeasedDeployments(tx, rows);
  const places = new Map([...deployments.keys()].map((id, place) => [id, place]));
  const inOrder = rows.toSorted(byTurn);
  return {
    leases: inOrder.map((row) => toLease(row, places)),
    deployments: [...deployments.values()],
    sequences: inOrder.map((row) => row.state_sequence),
  };
}

type Line = ClaimLine & WaitingLine;

// Shares are dealt without knowing how long the lines are. One that gave less than its share is at its end (or the rest is
// being claimed elsewhere), and what it left goes to the others in another round.
async function takeInTurns(tx: Tx, claim: Claim, session: ClaimingSession): Promise<Row[]> {
  const free = Math.min(claim.max, session.capacity - session.held);
  if (free <= 0 || session.lines.length === 0) return [];
  let lines = session.lines.map((line) => toLine(line, session, claim));
  let rooms = await lockLimits(tx, { ...session, now: claim.now ?? null });
  const rows: Row[] = [];
  while (rows.length < free && lines.length > 0) {
    const shares = shareOut(lines, rooms, free - rows.length);
    const asked = lines.flatMap((line, index) => {
      const share = shares[index] ?? 0;
      return share === 0 ? [] : [{ line, share }];
    });
    if (asked.length === 0) break;
    const taken = await take(tx, claim, { session, asked });
    rows.push(...taken);
    const countOf = (line: Line): number =>
      taken.filter(
        ({ deployment_id, queue_id }) =>
          deployment_id === line.deploymentId && queue_id === line.queueId,
      ).length;
    const counts = asked.map(({ line, share }) => ({ line, share, count: countOf(line) }));
    const ended = new Set(counts.flatMap(({ line, share, count }) => (count < share ? line : [])));
    rooms = roomsAfter(rooms, counts);
    lines = lines.filter((line) => !ended.has(line));
  }
  if (rows.length < free && lines.length > 0) claim.onLimited?.();
  await holdSlots(tx, { ...claim, lines: session.lines, runs: rows });
  return rows;
}

function toLine(line: ClaimLine, session: ClaimingSession, { claimRequestId }: Claim): Line {
  const ticket = createHash("md5").update(`${claimRequestId}${line.deploymentId}`).digest("hex");
  return { ...line, ticket, limits: limitsOf(line, session) };
}

function byTurn(a: Row, b: Row): number {
  return (
    a.queue_priority - b.queue_priority || a.due_ms - b.due_ms || (a.run_id < b.run_id ? -1 : 1)
  );
}

type Asked = readonly { readonly line: Line; readonly share: number }[];

function take(
  tx: Tx,
  claim: Claim,
  { session, asked }: { session: ClaimingSession; asked: Asked },
): Promise<Row[]> {
  const most = asked.reduce((sum, { share }) => sum + share, 0);
  return tx.prisma.$queryRaw<Row[]>`/* prepared */
    with asked as (
      select * from unnest(
        ${asked.map(({ line }) => line.priority)}::int[], ${asked.map(({ line }) => line.queueId)}::uuid[],
        ${asked.map(({ line }) => line.deploymentId)}::uuid[], ${asked.map(({ share }) => share)}::int[]
      ) as given (priority, queue_id, deployment_id, share)
    ),
    picked as materialized (
      select next.run_id from asked
      cross join lateral (
        select l.run_id
        from live_run l
        where (l.workspace_id = ${tx.workspaceId}::uuid) is true and l.pool_id = ${session.poolId}::uuid
          and l.queue_priority = asked.priority and l.queue_id = asked.queue_id
          and l.deployment_id = asked.deployment_id and l.session_id is null and l.state_type = 'SCHEDULED'
          and l.scheduled_for <= coalesce(${claim.now ?? null}::timestamptz, now())
        order by l.scheduled_for, l.run_id
        limit asked.share
        for no key update skip locked
      ) as next
    ),
    numbered as (select run_id, row_number() over () as place from picked),
    claimed as (
      update live_run l
      set state_type = 'PENDING', state_name = 'Pending', state_at = coalesce(${claim.now ?? null}::timestamptz, now()),
        reason = 'claimed', state_sequence = l.state_sequence + 1, epoch = l.epoch + 1,
        lease_token = (${plainColumn(makeTokens(most))}::text[])[n.place], session_id = ${claim.sessionId}::uuid,
        claim_request_id = ${claim.claimRequestId}::uuid,
        claimed_at = case when l.epoch = 0 and ${session.agentId}::uuid is not null
          then coalesce(${claim.now ?? null}::timestamptz, now()) end
      from numbered n
      where l.run_id = n.run_id
      returning l.run_id, l.epoch, l.lease_token, l.queue_priority, l.queue_id, l.deployment_id, l.scheduled_for,
        l.state_sequence, l.state_at, l.claimed_at
    ),
    -- A first claim is told by the run's own row, until something else than its start and end happens.
    history as (
      insert into run_state (run_id, sequence, workspace_id, type, name, at, epoch, actor_kind, actor_id, reason)
      select run_id, state_sequence, ${tx.workspaceId}::uuid, 'PENDING', 'Pending', state_at, epoch, 'agent',
        ${session.agentId}::uuid, 'claimed'
      from claimed
      where claimed_at is null
    )
    ${leaseColumns(tx)}
    from claimed l
    join flow_run r on r.id = l.run_id and (r.workspace_id = ${tx.workspaceId}::uuid) is true`;
}

// One draw for all: 128 random bits each, hexadecimal.
function makeTokens(count: number): string[] {
  const drawn = randomBytes(16 * count).toString("hex");
  return Array.from({ length: count }, (_, index) => drawn.slice(index * 32, (index + 1) * 32));
}

function readClaimed(tx: Tx, claim: Claim): Promise<Row[]> {
  return tx.prisma.$queryRaw<Row[]>`
    ${leaseColumns(tx)}
    from live_run l
    join flow_run r on r.id = l.run_id and (r.workspace_id = ${tx.workspaceId}::uuid) is true
    where l.workspace_id = ${tx.workspaceId}::uuid and l.session_id = ${claim.sessionId}::uuid
      and l.claim_request_id = ${claim.claimRequestId}::uuid`;
}

// Nothing was given to a run before its first attempt, so most claims read no input at all.
function leaseColumns(tx: Tx): Prisma.Sql {
  return Prisma.sql`select l.run_id, l.epoch, l.state_sequence, l.lease_token, l.queue_priority, l.queue_id, l.deployment_id,
      date_part('epoch', l.scheduled_for) * 1000 as due_ms, r.parameters,
      r.trigger_signature, r.results_from,
      case when l.epoch > 1 then (
        select jsonb_agg(jsonb_build_object('key', i.key, 'input', i.input, 'signature', i.signature, 'givenAt', i.given_at)
          order by i.key) from run_input i
        where i.run_id = l.run_id and (i.workspace_id = ${tx.workspaceId}::uuid) is true
      ) end as inputs`;
}

function toLease(row: Row, places: ReadonlyMap<string, number>): LeasedRun {
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
