import { createHash } from "node:crypto";
import { DownbeatError } from "@downbeat/contract";
import { roomsAfter, shareOut, type WaitingLine } from "@downbeat/core";
import { Prisma } from "../generated/client.ts";
import type { Tx } from "../transaction.ts";
import { holdSlots } from "./hold-slots.ts";
import {
  dueUntil,
  leaseColumns,
  leasing,
  toClaimed,
  type ClaimedRuns,
  type LeaseRow,
} from "./lease-rows.ts";
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
  return toClaimed(rows, deployments);
}

type Line = ClaimLine & WaitingLine;

// Shares are dealt without knowing how long the lines are. One that gave less than its share is at its end (or the rest is
// being claimed elsewhere), and what it left goes to the others in another round.
async function takeInTurns(tx: Tx, claim: Claim, session: ClaimingSession): Promise<LeaseRow[]> {
  const free = Math.min(claim.max, session.capacity - session.held);
  if (free <= 0 || session.lines.length === 0) return [];
  let lines = session.lines.map((line) => toLine(line, session, claim));
  let rooms = await lockLimits(tx, { ...session, now: claim.now ?? null });
  const rows: LeaseRow[] = [];
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

type Asked = readonly { readonly line: Line; readonly share: number }[];

function take(
  tx: Tx,
  claim: Claim,
  { session, asked }: { session: ClaimingSession; asked: Asked },
): Promise<LeaseRow[]> {
  const most = asked.reduce((sum, { share }) => sum + share, 0);
  return tx.prisma.$queryRaw<LeaseRow[]>`/* prepared */
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
          and l.scheduled_for <= ${dueUntil(claim.now)}
        order by l.scheduled_for, l.run_id
        limit asked.share
        for no key update skip locked
      ) as next
    ),
    ${leasing(tx, { ...claim, agentId: Prisma.sql`${session.agentId}::uuid`, most })}
    select ${leaseColumns(tx)}
    from claimed l
    join flow_run r on r.id = l.run_id and (r.workspace_id = ${tx.workspaceId}::uuid) is true`;
}

function readClaimed(tx: Tx, claim: Claim): Promise<LeaseRow[]> {
  return tx.prisma.$queryRaw<LeaseRow[]>`
    select ${leaseColumns(tx)}
    from live_run l
    join flow_run r on r.id = l.run_id and (r.workspace_id = ${tx.workspaceId}::uuid) is true
    where l.workspace_id = ${tx.workspaceId}::uuid and l.session_id = ${claim.sessionId}::uuid
      and l.claim_request_id = ${claim.claimRequestId}::uuid`;
}
