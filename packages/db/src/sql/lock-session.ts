import { Prisma } from "../generated/client.ts";
import type { Tx } from "../transaction.ts";

/** Runs that wait in one queue for one deployment, and what limits them. */
export type ClaimLine = {
  readonly priority: number;
  readonly queueId: string;
  readonly deploymentId: string;
  readonly queueLimit: number | null;
  readonly deploymentLimit: number | null;
  readonly limitNames: readonly string[];
};

/** What a claim needs to know of its session, read under lock. */
export type ClaimingSession = {
  readonly poolId: string;
  readonly agentId: string | null;
  readonly capacity: number;
  readonly held: number;
  /** Whether this very claim has been answered before. */
  readonly claimedBefore: boolean;
  /** Whether nothing is due in its pool, for whomever; it was then read without a lock. */
  readonly isIdle: boolean;
  readonly poolLimit: number | null;
  /**
   * Lines with a run that is due, that this session serves, whose labels it carries, and that are not paused; none while
   * its lease has lapsed.
   */
  readonly lines: readonly ClaimLine[];
};

type Row = {
  pool_id: string;
  agent_id: string | null;
  capacity: number;
  paused: boolean;
  concurrency_limit: number | null;
  queue_names: string[];
  lapsed: boolean;
  labels: string[];
  idle: boolean;
};

type Facts = { held: number; before: boolean; lines: ClaimLine[] };

type ClaimKey = {
  readonly sessionId: string;
  readonly principalId: string;
  readonly claimRequestId: string;
};

/**
 * Locks a session for claiming, so that its claims take turns: two at once could exceed its capacity, or answer one
 * request id twice. While nothing is due in its pool it is read without a lock, so that idle polls write nothing.
 *
 * Returns undefined when the session is not open (ended, of another principal, or without a pool). A lapsed one is open:
 * its agent may come back with a beat, and would take "ended" as word that all it runs is lost.
 * Locks: the agent_session row, for no key update.
 * Indexes: agent_session_pkey, live_run_session_idx, live_run_claim_idx (one jump per line, however long), work_queue_pkey,
 * deployment_pkey.
 */
export async function lockSession(
  tx: Tx,
  session: ClaimKey,
  now: Date | null,
): Promise<ClaimingSession | undefined> {
  const row = await lockIfDue(tx, session, now);
  if (row === undefined) return undefined;
  if (row.idle) {
    return { ...toSession(row), held: 0, claimedBefore: false, isIdle: true, lines: [] };
  }
  const facts = await readFacts(tx, session, { row, now });
  return {
    ...toSession(row),
    held: facts?.held ?? 0,
    claimedBefore: facts?.before ?? false,
    isIdle: false,
    lines: row.paused || row.lapsed ? [] : (facts?.lines ?? []),
  };
}

function toSession(
  row: Row,
): Pick<ClaimingSession, "poolId" | "agentId" | "capacity" | "poolLimit"> {
  return {
    poolId: row.pool_id,
    agentId: row.agent_id,
    capacity: row.capacity,
    poolLimit: row.concurrency_limit,
  };
}

async function lockIfDue(tx: Tx, session: ClaimKey, now: Date | null): Promise<Row | undefined> {
  const mine = Prisma.sql`
    select s.pool_id, s.agent_id, s.capacity, s.queue_names, s.labels, p.paused, p.concurrency_limit,
      s.lease_expires_at <= coalesce(${now}::timestamptz, now()) as lapsed
    from agent_session s
    join work_pool p on (p.workspace_id = ${tx.workspaceId}::uuid) is true and p.id = s.pool_id
    where (s.workspace_id = ${tx.workspaceId}::uuid) is true and s.id = ${session.sessionId}::uuid
      and ${session.principalId}::uuid in (s.agent_id, s.api_key_id)
      and s.ended_at is null`;
  const [row] = await tx.prisma.$queryRaw<Row[]>`/* prepared */
    with locked as (
      ${mine}
        and (
          exists (
            with recursive ${waitingLines(tx, Prisma.sql`s.pool_id`)}
            select from line where line.scheduled_for <= coalesce(${now}::timestamptz, now())
          )
          or exists (
            select from live_run l
            where (l.workspace_id = ${tx.workspaceId}::uuid) is true and l.session_id = s.id
              and l.claim_request_id = ${session.claimRequestId}::uuid
          )
        )
      for no key update of s
    )
    select locked.*, false as idle from locked
    union all
    select standing.*, true from (${mine}) as standing where not exists (select from locked)`;
  return row;
}

/**
 * The recursive term `line`: the lines of a pool, each with the time of its first run. One jump in live_run_claim_idx for
 * each of them.
 */
export function waitingLines(tx: Tx, poolId: Prisma.Sql): Prisma.Sql {
  const first = Prisma.sql`
    select l.queue_priority, l.queue_id, l.deployment_id, l.scheduled_for from live_run l
    where (l.workspace_id = ${tx.workspaceId}::uuid) is true and l.pool_id = ${poolId} and l.session_id is null`;
  const inOrder = Prisma.sql`
    order by l.queue_priority, l.queue_id, l.deployment_id, l.scheduled_for limit 1`;
  return Prisma.sql`line as (
      (${first} ${inOrder})
      union all
      select next.* from line
      cross join lateral (
        ${first} and (l.queue_priority, l.queue_id, l.deployment_id)
          > (line.queue_priority, line.queue_id, line.deployment_id)
        ${inOrder}
      ) as next
    )`;
}

// A statement after the lock: its snapshot sees what an earlier claim of this session has just taken.
async function readFacts(
  tx: Tx,
  session: { sessionId: string; claimRequestId: string },
  { row, now }: { row: Row; now: Date | null },
): Promise<Facts | undefined> {
  const [facts] = await tx.prisma.$queryRaw<Facts[]>`/* prepared */
    with recursive ${waitingLines(tx, Prisma.sql`${row.pool_id}::uuid`)}
    select mine.held, mine.before,
      coalesce((
        select jsonb_agg(jsonb_build_object('priority', line.queue_priority, 'queueId', q.id, 'deploymentId', d.id,
          'queueLimit', q.concurrency_limit, 'deploymentLimit', d.concurrency_limit, 'limitNames', d.limit_names))
        from line
        join work_queue q on q.id = line.queue_id and (q.workspace_id = ${tx.workspaceId}::uuid) is true
        join deployment d on d.id = line.deployment_id and (d.workspace_id = ${tx.workspaceId}::uuid) is true
        where line.scheduled_for <= coalesce(${now}::timestamptz, now()) and not q.paused and not d.paused
          and d.required_labels <@ ${row.labels}::text[]
          and (${row.queue_names}::text[] = '{}' or q.name = any(${row.queue_names}::text[]))
      ), '[]') as lines
    from (
      select count(*)::int as held, coalesce(bool_or(l.claim_request_id = ${session.claimRequestId}::uuid), false) as before
      from live_run l
      where (l.workspace_id = ${tx.workspaceId}::uuid) is true and l.session_id = ${session.sessionId}::uuid
    ) as mine`;
  return facts;
}
