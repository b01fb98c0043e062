import type { Actor, RetryMode, StateName, StateReasonCode } from "@downbeat/contract";
import type { Tx } from "../transaction.ts";

/** An ended run that starts again, as the rules decided it. */
export type Revival = {
  readonly runId: string;
  /** Number of the last history row: a run that moved since it was read stays as it is. */
  readonly standingSequence: number;
  readonly transitionId: string;
  readonly name: StateName;
  readonly reason: StateReasonCode;
  readonly actor: Actor;
  /** Whether results that its attempts have kept so far are used again. */
  readonly mode: RetryMode;
};

type Row = { run_id: string; pool_id: string };

/**
 * Puts ended runs back into the queue of their deployment, with its retry policy in full. The epoch goes on from where
 * it was, so whatever an earlier attempt may still propose is fenced; what it logged late is still taken. Runs of no
 * deployment (standalone ones) stay ended: no agent could take them.
 *
 * Returns the runs that went back, with the pool that got them. Locks: the ended_run rows, in order of run id; then
 * their flow_run rows. Indexes: ended_run_pkey, flow_run_pkey, deployment_pkey, live_run_pkey.
 */
export async function retryRuns(
  tx: Tx,
  revivals: readonly Revival[],
  now: Date | null = null,
): Promise<{ runId: string; poolId: string }[]> {
  if (revivals.length === 0) return [];
  const rows = await tx.prisma.$queryRaw<Row[]>`
    with given as (
      select * from unnest(
        ${revivals.map(({ runId }) => runId)}::uuid[], ${revivals.map((one) => one.standingSequence)}::int[],
        ${revivals.map(({ transitionId }) => transitionId)}::uuid[], ${revivals.map(({ name }) => name)}::text[],
        ${revivals.map(({ reason }) => reason)}::text[], ${revivals.map(({ actor }) => actor.kind)}::text[],
        ${revivals.map(({ actor }) => actor.id)}::uuid[], ${revivals.map(({ mode }) => mode)}::text[]
      ) as asked (run_id, standing_sequence, transition_id, name, reason, actor_kind, actor_id, mode)
    ),
    ended as materialized (
      select e.run_id as id, e.workspace_id, r.deployment_id, e.epoch, e.lease_token, e.state_sequence,
        e.recent_transition_ids, e.claimed_at, r.parent_run_id, given.*
      from ended_run e
      join given on given.run_id = e.run_id and given.standing_sequence = e.state_sequence
      join flow_run r on r.id = e.run_id and (r.workspace_id = e.workspace_id) is true
      where e.workspace_id = ${tx.workspaceId}::uuid
      order by e.run_id
      for update of e
    ),
    target as (
      select ended.*, coalesce(${now}::timestamptz, now())::timestamptz(3) as at, q.id as queue_id, q.pool_id,
        q.priority, case when d.retry is not null then jsonb_build_object('policy', d.retry,
          'onCrash', d.retry->'retriesOnCrash', 'onFailure', d.retry->'retriesOnFailure', 'made', 0) end as retry
      from ended
      join deployment d on d.id = ended.deployment_id and d.workspace_id = ${tx.workspaceId}::uuid
      join work_queue q on q.id = d.queue_id and q.workspace_id = ${tx.workspaceId}::uuid
    ),
    reopened as (
      delete from ended_run e using target
      where e.run_id = target.id and (e.workspace_id = target.workspace_id) is true
    ),
    moved as (
      update flow_run r
      set pool_id = target.pool_id, queue_id = target.queue_id,
        results_from = case target.mode when 'from_failed' then r.results_from else target.epoch + 1 end
      from target
      where r.id = target.id and (r.workspace_id = target.workspace_id) is true
    ),
    former as (
      insert into former_lease (run_id, epoch, workspace_id, lease_token)
      select id, epoch, workspace_id, lease_token from target where lease_token is not null
      on conflict do nothing
    ),
    live as (
      insert into live_run (run_id, workspace_id, deployment_id, pool_id, queue_id, queue_priority, scheduled_for,
        state_type, state_name, state_at, reason, state_sequence, epoch, recent_transition_ids, retry, parent_run_id)
      select id, workspace_id, deployment_id, pool_id, queue_id, priority, at, 'SCHEDULED', name, at, reason,
        state_sequence + 1, epoch, (array[transition_id] || recent_transition_ids)[1:32], retry, parent_run_id
      from target
    ),
    history as (
      insert into run_state (run_id, sequence, workspace_id, type, name, at, epoch, actor_kind, actor_id, reason,
        transition_id, empty_log)
      select id, state_sequence + 1, workspace_id, 'SCHEDULED', name, at, epoch, actor_kind, actor_id, reason,
        transition_id, null
      from target
      union all
      -- What ended_run alone told so far.
      select h.run_id, h.sequence, h.workspace_id, h.type, h.name, h.at, h.epoch, h.actor_kind, h.actor_id, h.reason,
        h.transition_id, h.empty_log
      from target
      join run_history h on h.run_id = target.id and h.workspace_id = target.workspace_id
      where target.claimed_at is not null and h.sequence > 0
        and not exists (select from run_state s where s.run_id = h.run_id and s.sequence = h.sequence)
    )
    select id as run_id, pool_id from target`;
  return rows.map((row) => ({ runId: row.run_id, poolId: row.pool_id }));
}
