import type { StateName, StateReasonCode, StateType } from "@downbeat/contract";
import type { WaitingFacts } from "@downbeat/core";
import { countPoolActivity } from "./count-pool-activity.ts";
import type { Tx } from "../transaction.ts";

type Row = {
  state_type: StateType;
  state_name: StateName;
  reason: StateReasonCode;
  scheduled_for: Date;
  pool_id: string | null;
  pool_name: string | null;
  queue_name: string | null;
  pool_paused: boolean;
  queue_paused: boolean;
  deployment_paused: boolean;
  concurrency_limit: number | null;
};

/**
 * What `core` needs to say in words why a run does not run; undefined when the run is terminal or not here.
 *
 * Locks: none. Index: live_run_pkey.
 */
export async function readWaitingFacts(tx: Tx, runId: string): Promise<WaitingFacts | undefined> {
  const [row] = await tx.prisma.$queryRaw<Row[]>`
    select l.state_type, l.state_name, l.reason, l.scheduled_for, l.pool_id, p.name as pool_name, q.name as queue_name,
      coalesce(p.paused, false) as pool_paused, coalesce(q.paused, false) as queue_paused,
      coalesce(d.paused, false) as deployment_paused, p.concurrency_limit
    from live_run l
    left join work_pool p on p.id = l.pool_id and p.workspace_id = ${tx.workspaceId}::uuid
    left join work_queue q on q.id = l.queue_id and q.workspace_id = ${tx.workspaceId}::uuid
    left join deployment d on d.id = l.deployment_id and d.workspace_id = ${tx.workspaceId}::uuid
    where l.workspace_id = ${tx.workspaceId}::uuid and l.run_id = ${runId}::uuid`;
  if (row === undefined) return undefined;
  const activity =
    row.pool_id === null
      ? undefined
      : (await countPoolActivity(tx, [row.pool_id])).get(row.pool_id);
  return {
    stateType: row.state_type,
    stateName: row.state_name,
    reason: row.reason,
    scheduledFor: row.scheduled_for,
    poolName: row.pool_name,
    queueName: row.queue_name,
    poolPaused: row.pool_paused,
    queuePaused: row.queue_paused,
    deploymentPaused: row.deployment_paused,
    onlineAgents: activity?.onlineAgents ?? 0,
    freeSlots: (activity?.capacity ?? 0) - (activity?.activeRuns ?? 0),
    poolLimit: row.concurrency_limit,
    poolActive: activity?.activeRuns ?? 0,
  };
}
