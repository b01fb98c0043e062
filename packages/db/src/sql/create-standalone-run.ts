import { randomBytes } from "node:crypto";
import type { Actor } from "@downbeat/contract";
import { uuidv7 } from "uuidv7";
import type { Tx } from "../transaction.ts";
import { areAllNear, isStrayId } from "./stray-ids.ts";

export type NewStandaloneRun = {
  readonly sessionId: string;
  readonly flowId: string;
  /** Sealed. */
  readonly parameters: string | null;
  readonly tags: readonly string[];
  readonly createdBy: Actor;
  readonly now?: Date | null;
};

/**
 * Makes a run that a plain script executes itself: already RUNNING, leased to the script's own session.
 *
 * Locks: the new rows.
 */
export async function createStandaloneRun(
  tx: Tx,
  run: NewStandaloneRun,
): Promise<{ runId: string; epoch: number; leaseToken: string }> {
  const runId = uuidv7();
  const leaseToken = randomBytes(16).toString("hex");
  await tx.prisma.$executeRaw`
    with new_run as (
      select ${runId}::uuid as run_id, ${tx.workspaceId}::uuid as workspace_id, ${run.createdBy.kind}::text as actor_kind,
        ${run.createdBy.id}::uuid as actor_id, coalesce(${run.now ?? null}::timestamptz, now())::timestamptz(3) as at
    ),
    near as (select ${areAllNear([runId])} from new_run),
    identity as (
      insert into flow_run (id, workspace_id, flow_id, parameters, tags, created_by_kind, created_by_id, created_at,
        scheduled_for, stray_id)
      select run_id, workspace_id, ${run.flowId}::uuid, ${run.parameters}::text, ${run.tags}::text[], actor_kind,
        actor_id, at, at, ${isStrayId}
      from new_run
    ),
    history as (
      insert into run_state (run_id, sequence, workspace_id, type, name, at, epoch, actor_kind, actor_id, reason)
      select run_id, 0, workspace_id, 'SCHEDULED', 'Scheduled', at, 0, actor_kind, actor_id, 'created' from new_run
      union all
      select run_id, 1, workspace_id, 'RUNNING', 'Running', at, 1, actor_kind, actor_id, 'started' from new_run
    )
    insert into live_run (run_id, workspace_id, scheduled_for, state_type, state_name, state_at, reason,
      state_sequence, epoch, lease_token, session_id, started_at)
    select run_id, workspace_id, at, 'RUNNING', 'Running', at, 'started', 1, 1, ${leaseToken}::text,
      ${run.sessionId}::uuid, at
    from new_run`;
  return { runId, epoch: 1, leaseToken };
}
