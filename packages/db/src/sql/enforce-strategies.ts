import { applyMoves, engine, toMove, type Move, type MovedRun } from "../engine-move.ts";
import type { EngineTx, Tx } from "../transaction.ts";
import { databaseNow } from "./database-now.ts";
import type { LockedRunRow } from "./locked-run-row.ts";

export type EnforceStrategies = {
  /** Only these deployments; default all. */
  readonly deploymentIds?: readonly string[];
  /** Most runs at once, default 500; call again while it returns that many. */
  readonly limit?: number;
  readonly now?: Date | null;
};

type Verdict = "cancelled_new" | "cancelled_waiting" | "cancelling";

const MOVES: Record<Verdict, Move> = {
  cancelled_new: { type: "CANCELLED", name: "Cancelled", reason: "limit_cancelled_new" },
  cancelled_waiting: { type: "CANCELLED", name: "Cancelled", reason: "limit_cancelled_running" },
  cancelling: { type: "CANCELLING", name: "Cancelling", reason: "limit_cancelled_running" },
};

/**
 * Cancels what goes beyond the limits of deployments that do not let runs wait. Of the runs that are due, `cancel-new`
 * keeps those that are held and then the oldest; `cancel-running` keeps the newest, and tells the agents of the others.
 *
 * Returns the runs that moved. Locks: the live_run rows, in order of run id, skipping what others hold just now. Two
 * creations at once do not see each other's runs; the engine looks again.
 * Indexes: deployment_pkey, live_run_claim_idx and live_run_held_idx by pool.
 */
export async function enforceStrategies(
  tx: Tx | EngineTx,
  options: EnforceStrategies = {},
): Promise<MovedRun[]> {
  const at = await databaseNow(tx, options.now);
  const ids = await limitedDeployments(tx, options.deploymentIds ?? null);
  if (ids.length === 0) return [];
  const rows = await lockBeyond(tx, { ids, at, limit: options.limit ?? 500 });
  return applyMoves(
    tx,
    rows.map((row) => toMove(row, MOVES[row.verdict], { actor: engine, at })),
    at,
  );
}

async function limitedDeployments(
  tx: Tx | EngineTx,
  deploymentIds: readonly string[] | null,
): Promise<string[]> {
  const workspaceId = tx.role === "workspace" ? tx.workspaceId : null;
  const rows = await tx.prisma.$queryRaw<{ id: string }[]>`/* prepared */
    select id from deployment
    where concurrency_strategy <> 'enqueue' and concurrency_limit is not null
      and (${workspaceId}::uuid is null or workspace_id = ${workspaceId}::uuid)
      and (${deploymentIds}::uuid[] is null or id = any(${deploymentIds}::uuid[]))
    order by id`;
  return rows.map(({ id }) => id);
}

type Beyond = { ids: readonly string[]; at: Date; limit: number };

// Held runs come first under cancel-new, those being cancelled too: they still hold their slot. Under cancel-running they
// are on their way out and count no more.
function lockBeyond(
  tx: Tx | EngineTx,
  { ids, at, limit }: Beyond,
): Promise<(LockedRunRow & { verdict: Verdict })[]> {
  return tx.prisma.$queryRaw<(LockedRunRow & { verdict: Verdict })[]>`/* prepared */
    with ranked as (
      select l.run_id, l.state_sequence, l.epoch, l.session_id is null as waits, d.concurrency_strategy, d.concurrency_limit,
        row_number() over (
          partition by l.deployment_id
          order by
            case when d.concurrency_strategy = 'cancel-new' then (l.session_id is null)::int end,
            case when d.concurrency_strategy = 'cancel-new' then l.scheduled_for end,
            case when d.concurrency_strategy = 'cancel-new' then l.run_id end,
            l.scheduled_for desc, l.run_id desc
        ) as place
      from deployment d
      join work_queue q on q.id = d.queue_id
      join live_run l on l.pool_id = q.pool_id and l.deployment_id = d.id
        and (l.workspace_id = d.workspace_id) is true
      where d.id = any(${ids}::uuid[]) and l.scheduled_for <= ${at}::timestamptz
        and (d.concurrency_strategy = 'cancel-new' or l.state_type <> 'CANCELLING')
        and (l.session_id is not null or l.state_type = 'SCHEDULED')
    ),
    beyond as (
      select run_id, state_sequence, case
          -- One that had been taken before is not new: it waits.
          when concurrency_strategy = 'cancel-new' then case when waits and epoch = 0 then 'cancelled_new' end
          when waits then 'cancelled_waiting'
          else 'cancelling'
        end as verdict
      from ranked where place > concurrency_limit
    )
    select l.run_id, l.workspace_id, l.state_type, l.state_name, l.state_sequence, l.epoch, l.lease_token,
      l.session_id, l.pool_id, l.retry, b.verdict
    from live_run l join beyond b using (run_id)
    -- Checked again once locked: the run may have moved since it was judged.
    where b.verdict is not null and l.state_sequence = b.state_sequence
      and (b.verdict = 'cancelling') = (l.session_id is not null)
    order by l.run_id
    limit ${limit}::int
    for update of l skip locked`;
}
