import type { PausePoint, StateName, StateReasonCode, StateType } from "@downbeat/contract";
import type { LimitFacts, WaitingFacts } from "@downbeat/core";
import { countPoolActivity } from "./count-pool-activity.ts";
import type { Tx } from "../transaction.ts";

type Row = {
  state_type: StateType;
  state_name: StateName;
  state_at: Date;
  reason: StateReasonCode;
  cause: StateReasonCode | null;
  pause: PausePoint | null;
  pause_deadline: Date | null;
  scheduled_for: Date;
  pool_id: string | null;
  pool_name: string | null;
  queue_id: string | null;
  queue_name: string | null;
  deployment_id: string | null;
  pool_paused: boolean;
  queue_paused: boolean;
  deployment_paused: boolean;
  pool_limit: number | null;
  queue_limit: number | null;
  deployment_limit: number | null;
  limit_names: string[];
  required_labels: string[];
};

/**
 * What `core` needs to say in words why a run does not run; undefined when the run is terminal or not here.
 *
 * Locks: none. Indexes: live_run_pkey, run_state_pkey, live_run_held_idx, limit_slot_pkey.
 */
export async function readWaitingFacts(tx: Tx, runId: string): Promise<WaitingFacts | undefined> {
  const [row] = await tx.prisma.$queryRaw<Row[]>`/* prepared */
    select l.state_type, l.state_name, l.state_at, l.reason, h.cause, l.pause, l.pause_deadline, l.scheduled_for, l.pool_id,
      p.name as pool_name, l.queue_id, q.name as queue_name, l.deployment_id, coalesce(p.paused, false) as pool_paused,
      coalesce(q.paused, false) as queue_paused, coalesce(d.paused, false) as deployment_paused,
      p.concurrency_limit as pool_limit, q.concurrency_limit as queue_limit, d.concurrency_limit as deployment_limit,
      coalesce(d.limit_names, '{}') as limit_names, coalesce(d.required_labels, '{}') as required_labels
    from live_run l
    left join run_state h on h.run_id = l.run_id and h.sequence = l.state_sequence and h.workspace_id = ${tx.workspaceId}::uuid
    left join work_pool p on p.id = l.pool_id and p.workspace_id = ${tx.workspaceId}::uuid
    left join work_queue q on q.id = l.queue_id and q.workspace_id = ${tx.workspaceId}::uuid
    left join deployment d on d.id = l.deployment_id and d.workspace_id = ${tx.workspaceId}::uuid
    where l.workspace_id = ${tx.workspaceId}::uuid and l.run_id = ${runId}::uuid`;
  if (row === undefined) return undefined;
  const activity =
    row.pool_id === null
      ? undefined
      : (await countPoolActivity(tx, [row.pool_id])).get(row.pool_id);
  const agents = await countFittingAgents(tx, row);
  const held = (place: Place, limit: number | null) => readHeld(tx, row, { place, limit });
  return {
    stateType: row.state_type,
    stateName: row.state_name,
    stateAt: row.state_at,
    reason: row.reason,
    cause: row.cause,
    pause: toPause(row),
    scheduledFor: row.scheduled_for,
    poolName: row.pool_name,
    queueName: row.queue_name,
    poolPaused: row.pool_paused,
    queuePaused: row.queue_paused,
    deploymentPaused: row.deployment_paused,
    onlineAgents: activity?.onlineAgents ?? 0,
    fittingAgents: agents.fitting,
    servingAgents: agents.serving,
    requiredLabels: row.required_labels,
    freeSlots: (activity?.capacity ?? 0) - (activity?.activeRuns ?? 0),
    poolLimit: await held("pool", row.pool_limit),
    queueLimit: await held("queue", row.queue_limit),
    deploymentLimit: await held("deployment", row.deployment_limit),
    namedLimits: row.limit_names.length === 0 ? [] : await readNamed(tx, row.limit_names),
  };
}

function toPause({ pause, pause_deadline }: Row): WaitingFacts["pause"] {
  if (pause === null) return null;
  const { key, onTimeout } = pause;
  return { key, onTimeout, expiresAt: pause_deadline?.toISOString() ?? null };
}

async function countFittingAgents(
  tx: Tx,
  { pool_id, queue_name, required_labels }: Row,
): Promise<{ fitting: number; serving: number }> {
  const [row] = await tx.prisma.$queryRaw<{ fitting: number; serving: number }[]>`
    select count(*)::int as fitting, count(*) filter (
        where s.queue_names = '{}' or ${queue_name}::text = any(s.queue_names)
      )::int as serving
    from agent a
    join agent_session s on s.agent_id = a.id and s.workspace_id = ${tx.workspaceId}::uuid
    where a.workspace_id = ${tx.workspaceId}::uuid and a.pool_id = ${pool_id}::uuid and s.ended_at is null
      and s.lease_expires_at > now() and ${required_labels}::text[] <@ s.labels`;
  return row ?? { fitting: 0, serving: 0 };
}

type Place = "pool" | "queue" | "deployment";

async function readHeld(
  tx: Tx,
  { pool_id, queue_id, deployment_id }: Row,
  { place, limit }: { place: Place; limit: number | null },
): Promise<LimitFacts | null> {
  if (limit === null) return null;
  const [row] = await tx.prisma.$queryRaw<{ taken: number; held_by: string[] }[]>`
    select count(*)::int as taken, coalesce((array_agg(l.run_id order by l.started_at, l.run_id))[1:3], '{}') as held_by
    from live_run l
    where (l.workspace_id = ${tx.workspaceId}::uuid) is true and l.pool_id = ${pool_id}::uuid
      and l.session_id is not null and case ${place}::text
        when 'queue' then l.queue_id = ${queue_id}::uuid
        when 'deployment' then l.deployment_id = ${deployment_id}::uuid
        else true
      end`;
  return { limit, taken: row?.taken ?? 0, heldBy: row?.held_by ?? [] };
}

type NamedRow = {
  name: string;
  slots: number;
  tokens: number | null;
  taken: number;
  held_by: string[];
};

async function readNamed(tx: Tx, names: readonly string[]): Promise<WaitingFacts["namedLimits"]> {
  const rows = await tx.prisma.$queryRaw<NamedRow[]>`
    select c.name, c.slots, case when c.rate_per_second is not null then limit_tokens(c, now()) end as tokens,
      count(s.holder_id)::int as taken, array(
        select h.run_id from limit_slot h where h.limit_id = c.id group by h.run_id order by min(h.acquired_at) limit 3
      ) as held_by
    from concurrency_limit c
    left join limit_slot s on s.limit_id = c.id
    where c.workspace_id = ${tx.workspaceId}::uuid and c.name = any(${names}::text[])
    group by c.id
    order by c.name`;
  return rows.map(({ name, slots, tokens, taken, held_by }) => ({
    name,
    limit: slots,
    tokens,
    taken,
    heldBy: held_by,
  }));
}
