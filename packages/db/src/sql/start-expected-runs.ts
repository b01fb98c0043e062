import type { Tx } from "../transaction.ts";
import { inLockOrder, stepColumns, type ExpectedStep } from "./expected-run.ts";

/**
 * PENDING → RUNNING for runs that nobody has locked: each is written only if it still has the lease, the sequence and
 * none of the transitions before it that its step names. The others are left as they are.
 *
 * Returns how many were written. Locks: their live_run rows, in order of run id.
 * History that the run's own row tells (run_history in 0024_told_steps) is not written.
 * The same as lock-runs.ts and apply-transitions.ts in one statement, which reads no run into this process.
 * Index: live_run_pkey.
 *
 * @param at ISO 8601
 */
export async function startExpectedRuns(
  tx: Tx,
  steps: readonly ExpectedStep[],
  at: string,
): Promise<number> {
  const given = stepColumns(inLockOrder(steps));
  const [row] = await tx.prisma.$queryRaw<[{ written: number }]>`/* prepared */
    with expected as (
      select * from unnest(
        ${given.runIds}::uuid[], ${given.sequence.array}::int[], ${given.epoch.array}::int[],
        ${given.leaseTokens}::text[], ${given.transitionIds}::uuid[], ${given.actorKind.array}::text[], ${given.actorId.array}::uuid[]
      ) as given (run_id, sequence, epoch, lease_token, transition_id, actor_kind, actor_id)
    ),
    started as (
      update live_run l
      set state_type = 'RUNNING', state_name = 'Running', state_at = ${at}::timestamptz, reason = 'started',
        state_sequence = l.state_sequence + 1, started_at = coalesce(l.started_at, ${at}::timestamptz), late = false,
        recent_transition_ids = (e.transition_id || l.recent_transition_ids)[1:32]
      from expected e
      where l.run_id = e.run_id and (l.workspace_id = ${tx.workspaceId}::uuid) is true and l.state_type = 'PENDING'
        and l.epoch = coalesce(e.epoch, ${given.epoch.same}::int) and l.lease_token = e.lease_token
        and l.state_sequence + 1 = coalesce(e.sequence, ${given.sequence.same}::int)
        and e.transition_id <> all (l.recent_transition_ids)
      returning l.run_id, l.state_sequence, l.epoch, e.transition_id, e.actor_kind, e.actor_id, l.claimed_at
    ),
    history as (
      insert into run_state (run_id, workspace_id, sequence, type, name, at, epoch, actor_kind, actor_id, reason,
        transition_id)
      select run_id, ${tx.workspaceId}::uuid, state_sequence, 'RUNNING', 'Running', ${at}::timestamptz, epoch,
        coalesce(actor_kind, ${given.actorKind.same}::text), coalesce(actor_id, ${given.actorId.same}::uuid), 'started',
        transition_id
      from started
      where claimed_at is null
    )
    select count(*)::int as written from started`;
  return row?.written ?? 0;
}
