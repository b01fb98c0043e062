import type { Actor, Run, State, StateReasonCode } from "@downbeat/contract";
import type { RetryBudget } from "@downbeat/core";
import { toRunError, type RunErrorColumns } from "./run-error-columns.ts";

/** A run as the statements of `sql/read-runs.ts` return it. */
export type RunRow = RunErrorColumns & {
  id: string;
  flow_id: string;
  flow_name: string;
  flow_version_id: string | null;
  deployment_id: string | null;
  deployment_name: string | null;
  pool_name: string | null;
  queue_name: string | null;
  state_type: string;
  state_name: string;
  state_at: Date;
  reason: string;
  epoch: number;
  tags: string[];
  created_by_kind: string;
  created_by_id: string | null;
  created_at: Date;
  scheduled_for: Date;
  started_at: Date | null;
  ended_at: Date | null;
  agent_id: string | null;
  agent_name: string | null;
  task_run_count: number;
  retry: RetryBudget | null;
  parent_run_id: string | null;
};

export function toRun(row: RunRow): Run {
  return {
    id: row.id,
    flowId: row.flow_id,
    flowName: row.flow_name,
    flowVersionId: row.flow_version_id,
    deploymentId: row.deployment_id,
    deploymentName: row.deployment_name,
    poolName: row.pool_name,
    queueName: row.queue_name,
    state: { type: row.state_type, name: row.state_name, at: row.state_at.toISOString() } as State,
    reason: row.reason as StateReasonCode,
    epoch: row.epoch,
    tags: row.tags,
    createdBy: { kind: row.created_by_kind as Actor["kind"], id: row.created_by_id },
    createdAt: row.created_at.toISOString(),
    scheduledFor: row.scheduled_for.toISOString(),
    startedAt: row.started_at?.toISOString() ?? null,
    endedAt: row.ended_at?.toISOString() ?? null,
    agentId: row.agent_id,
    agentName: row.agent_name,
    taskRunCount: row.task_run_count,
    retriesLeft: retriesLeft(row.retry),
    parentRunId: row.parent_run_id,
    error: toRunError(row),
  };
}

export function retriesLeft(retry: RetryBudget | null): Run["retriesLeft"] {
  return { onCrash: retry?.onCrash ?? 0, onFailure: retry?.onFailure ?? 0 };
}
