import { optionalColumn, optionalPlainColumn } from "../batch-column.ts";
import type { Tx } from "../transaction.ts";
import { inLockOrder, stepColumns, type ExpectedStep } from "./expected-run.ts";

export type ExpectedCompletion = ExpectedStep & {
  /** Sealed. */
  readonly result: string | null;
  /** That the attempt has logged nothing. */
  readonly emptyLog?: string | undefined;
};

/**
 * RUNNING → COMPLETED for runs that nobody has locked: each is moved from live_run to ended_run only if it still has the
 * lease, the sequence and none of the transitions before it that its step names. The others are left as they are.
 *
 * Returns how many were written. Locks: their live_run rows, in order of run id.
 * History that the run's own row tells (run_history in 0024_told_steps) is not written.
 * The same as lock-runs.ts and apply-transitions.ts in one statement, which reads no run into this process; but the slots
 * of named limits are left to free-ended-slots.ts, to follow in the same transaction.
 * Indexes: live_run_pkey, agent_session_pkey; flow_run_pkey for runs of no deployment.
 *
 * @param at ISO 8601
 */
export async function completeExpectedRuns(
  tx: Tx,
  steps: readonly ExpectedCompletion[],
  at: string,
): Promise<number> {
  const ordered = inLockOrder(steps);
  const given = stepColumns(ordered);
  return tx.prisma.$executeRaw`/* prepared */
    with expected as (
      select * from unnest(
        ${given.runIds}::uuid[], ${given.sequence.array}::int[], ${given.epoch.array}::int[],
        ${given.leaseTokens}::text[], ${given.transitionIds}::uuid[], ${given.actorKind.array}::text[], ${given.actorId.array}::uuid[],
        ${optionalColumn(ordered.map(({ result }) => result))}::text[],
        ${optionalPlainColumn(ordered.map(({ emptyLog }) => emptyLog))}::text[]
      ) as given (run_id, sequence, epoch, lease_token, transition_id, actor_kind, actor_id, result, empty_log)
    ),
    gone as (
      delete from live_run l using expected e
      where l.run_id = e.run_id and (l.workspace_id = ${tx.workspaceId}::uuid) is true and l.state_type = 'RUNNING'
        and l.epoch = coalesce(e.epoch, ${given.epoch.same}::int) and l.lease_token = e.lease_token
        and l.state_sequence + 1 = coalesce(e.sequence, ${given.sequence.same}::int)
        and e.transition_id <> all (l.recent_transition_ids)
      returning l.run_id, l.state_sequence + 1 as sequence, l.epoch, l.lease_token, l.session_id, l.started_at,
        e.transition_id, l.recent_transition_ids, e.actor_kind, e.actor_id, e.result, e.empty_log, l.deployment_id,
        l.claimed_at
    ),
    history as (
      insert into run_state (run_id, workspace_id, sequence, type, name, at, epoch, actor_kind, actor_id, reason,
        transition_id, empty_log)
      select run_id, ${tx.workspaceId}::uuid, sequence, 'COMPLETED', 'Completed', ${at}::timestamptz, epoch,
        coalesce(actor_kind, ${given.actorKind.same}::text), coalesce(actor_id, ${given.actorId.same}::uuid),
        'completed', transition_id, empty_log
      from gone
      where claimed_at is null
    )
    insert into ended_run (run_id, workspace_id, state_type, state_name, state_at, state_sequence, reason, started_at,
      epoch, lease_token, recent_transition_ids, agent_id, result, claimed_at, empty_log, listed_under)
    select g.run_id, ${tx.workspaceId}::uuid, 'COMPLETED', 'Completed', ${at}::timestamptz, g.sequence, 'completed',
      g.started_at, g.epoch, g.lease_token, (g.transition_id || g.recent_transition_ids)[1:32], s.agent_id, g.result,
      g.claimed_at, case when g.claimed_at is not null then g.empty_log end, coalesce(g.deployment_id, (
        select r.flow_id from flow_run r where r.id = g.run_id and (r.workspace_id = ${tx.workspaceId}::uuid) is true
      ))
    from gone g
    left join agent_session s on s.id = g.session_id and (s.workspace_id = ${tx.workspaceId}::uuid) is true`;
}
