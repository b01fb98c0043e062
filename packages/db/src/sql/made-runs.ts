import type { Run } from "@downbeat/contract";
import type { RetryBudget } from "@downbeat/core";
import { retriesLeft } from "../run-row.ts";
import { toInstant, type CreatedRun, type InsertedRun, type NewRun } from "./new-run.ts";
import type { Asked } from "./targets.ts";

/** A deployment that some of the rows ask for, with what every run of it inherits. */
export type Target = {
  ordinal: number;
  flow_exists: boolean;
  flow_id: string;
  flow_version_id: string;
  deployment_id: string | null;
  strategy_of: string | null;
  pool_id: string;
  pool_name: string;
  queue_name: string;
  tags: string[];
  retry: RetryBudget | null;
  created_at: Date;
  /** Ids of this call's runs that were not made, because their key had made another before. */
  taken: string[];
};

/** One answer per row, in order. */
export function toInserted(
  rows: readonly NewRun[],
  asked: Asked,
  targets: readonly Target[],
): InsertedRun[] {
  const taken = new Set(targets.flatMap((target) => target.taken));
  return rows.map((row, index) => {
    const runId = asked.runIds[index] ?? "";
    const target = targets[(asked.places[index] ?? 0) - 1];
    if (target === undefined || target.deployment_id === null) {
      return { status: "unknown", flowExists: target?.flow_exists ?? false };
    }
    return taken.has(runId) ? { status: "taken" } : toCreated(row, runId, target);
  });
}

function toCreated(row: NewRun, runId: string, target: Target): CreatedRun {
  const createdAt = target.created_at.toISOString();
  const scheduledFor = toInstant(row) ?? createdAt;
  return {
    status: "created",
    runId,
    poolId: target.pool_id,
    isDue: scheduledFor <= createdAt,
    strategyOf: target.strategy_of,
    run: () => toRun(row, target, { runId, createdAt, scheduledFor }),
  };
}

type Made = { readonly runId: string; readonly createdAt: string; readonly scheduledFor: string };

function toRun(
  { flowName, deploymentName, createdBy, parentRunId, tags }: NewRun,
  target: Target,
  { runId, createdAt, scheduledFor }: Made,
): Run {
  return {
    id: runId,
    flowId: target.flow_id,
    flowName,
    flowVersionId: target.flow_version_id,
    deploymentId: target.deployment_id,
    deploymentName,
    poolName: target.pool_name,
    queueName: target.queue_name,
    state: { type: "SCHEDULED", name: "Scheduled", at: createdAt },
    reason: "created",
    epoch: 0,
    tags: tags.length === 0 ? target.tags : merged(target.tags, tags),
    createdBy,
    createdAt,
    scheduledFor,
    startedAt: null,
    endedAt: null,
    agentId: null,
    agentName: null,
    taskRunCount: 0,
    retriesLeft: retriesLeft(target.retry),
    parentRunId: parentRunId ?? null,
    error: null,
  };
}

// As the statement merges them.
function merged(...tags: readonly (readonly string[])[]): string[] {
  return [...new Set(tags.flat())].toSorted(byCodePoint).slice(0, 32);
}

function byCodePoint(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
