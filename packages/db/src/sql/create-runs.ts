import type { Actor, Run } from "@downbeat/contract";
import { uuidv7 } from "uuidv7";
import type { RetryBudget } from "@downbeat/core";
import { arrayLiteral } from "../array-literal.ts";
import { retriesLeft } from "../run-row.ts";
import type { Tx } from "../transaction.ts";
import { readIdempotencyKeys } from "./read-idempotency-keys.ts";

export type NewRun = {
  /** The id that the caller has chosen; `idempotencyKey` is then the same. */
  readonly runId?: string | null;
  readonly flowName: string;
  readonly deploymentName: string;
  /** Sealed. */
  readonly parameters: string | null;
  /** ISO 8601; null means now. */
  readonly scheduledFor: string | null;
  /** Added to the deployment's. */
  readonly tags: readonly string[];
  readonly idempotencyKey: string | null;
  /** Tells a repeated request from another one under the same key. */
  readonly requestHash: string;
  readonly createdBy: Actor;
  /** The run that triggers this one. */
  readonly parentRunId?: string | null;
};

/**
 * What became of one asked run. `standing`: the idempotency key had made this run before. `mismatch`: it had, for another
 * request. `unknown`: no such flow or deployment; `flowExists` tells which.
 */
export type CreatedRun =
  | {
      readonly status: "created";
      readonly runId: string;
      readonly run: Run;
      readonly poolId: string;
      /** Set when the deployment's strategy may cancel runs: enforce-strategies.ts then has a say. */
      readonly strategyOf: string | null;
    }
  | { readonly status: "standing" | "mismatch"; readonly runId: string }
  | { readonly status: "unknown"; readonly flowExists: boolean };

type Row = {
  ordinal: number;
  flow_exists: boolean;
  created: boolean;
  run_id: string;
  flow_id: string;
  flow_version_id: string;
  deployment_id: string | null;
  strategy_of: string | null;
  pool_id: string;
  pool_name: string;
  queue_name: string;
  tags: string[];
  created_at: Date;
  scheduled_for: Date;
  retry: RetryBudget | null;
};

/**
 * Makes runs: identity, live row, first history row and idempotency key in one statement.
 *
 * Returns one answer per row, in order. Two rows of one call may share a key; the second then finds the first's run.
 * Locks: the new rows; a key that another transaction is just inserting is waited for, in order of key.
 * Indexes: flow_workspace_id_name_key, deployment_flow_id_name_key, idempotency_pkey, flow_run_pkey.
 *
 * @param now for tests; the database's clock when null
 */
export async function createRuns(
  tx: Tx,
  rows: readonly NewRun[],
  now: Date | null = null,
): Promise<CreatedRun[]> {
  const found = await insert(tx, rows, now);
  const missed = rows.filter((_, index) => found[index]?.deployment_id && !found[index].created);
  const standing = await readIdempotencyKeys(
    tx,
    missed.flatMap(({ idempotencyKey }) => idempotencyKey ?? []),
  );
  return rows.map((row, index) => {
    const answer = found[index];
    if (answer === undefined || answer.deployment_id === null) {
      return { status: "unknown", flowExists: answer?.flow_exists ?? false };
    }
    if (answer.created) {
      return {
        status: "created",
        runId: answer.run_id,
        run: toRun(row, answer),
        poolId: answer.pool_id,
        strategyOf: answer.strategy_of,
      };
    }
    const first = standing.get(row.idempotencyKey ?? "");
    // A run of the chosen id is there, and no key made it.
    if (first === undefined && row.runId) return { status: "mismatch", runId: row.runId };
    if (first === undefined)
      throw new Error(`Run ${answer.run_id} was neither made nor found by its key.`);
    return {
      status: first.requestHash === row.requestHash ? "standing" : "mismatch",
      runId: first.runId,
    };
  });
}

function insert(tx: Tx, rows: readonly NewRun[], now: Date | null): Promise<Row[]> {
  const column = <K extends keyof NewRun>(key: K): NewRun[K][] => rows.map((row) => row[key]);
  return tx.prisma.$queryRaw<Row[]>`/* prepared */
    with input as (
      select *, coalesce(${now}::timestamptz, now())::timestamptz(3) as at
      from unnest(
        ${rows.map(({ runId }) => runId ?? uuidv7())}::uuid[], ${column("flowName")}::text[], ${column("deploymentName")}::text[],
        ${column("parameters")}::text[], ${column("scheduledFor")}::timestamptz[],
        ${rows.map(({ tags }) => arrayLiteral(tags))}::text[], ${column("idempotencyKey")}::text[],
        ${column("requestHash")}::text[], ${rows.map(({ createdBy }) => createdBy.kind)}::text[],
        ${rows.map(({ createdBy }) => createdBy.id)}::uuid[],
        ${rows.map(({ parentRunId }) => parentRunId ?? null)}::uuid[]
      ) with ordinality as given (
        run_id, flow_name, deployment_name, parameters, scheduled_for, tags, key, request_hash, actor_kind, actor_id,
        parent_run_id, ordinal
      )
    ),
    target as (
      select input.ordinal, input.run_id, input.parameters, input.key, input.request_hash, input.actor_kind,
        input.actor_id, input.parent_run_id, input.at, coalesce(input.scheduled_for, input.at) as scheduled_for,
        f.id is not null as flow_exists, f.id as flow_id, d.flow_version_id, d.id as deployment_id,
        case when d.concurrency_strategy <> 'enqueue' and d.concurrency_limit is not null then d.id end as strategy_of,
        q.pool_id, p.name as pool_name, q.id as queue_id, q.name as queue_name, q.priority as queue_priority,
        case when d.retry is not null then jsonb_build_object('policy', d.retry, 'onCrash', d.retry->'retriesOnCrash',
          'onFailure', d.retry->'retriesOnFailure', 'made', 0) end as retry,
        case when input.tags = '{}' then d.tags
          else (array(select distinct unnest(d.tags || input.tags::text[]) order by 1))[1:32] end as tags
      from input
      left join flow f on f.workspace_id = ${tx.workspaceId}::uuid and f.name = input.flow_name
      left join deployment d on d.workspace_id = ${tx.workspaceId}::uuid and d.flow_id = f.id
        and d.name = input.deployment_name
      left join work_queue q on q.workspace_id = ${tx.workspaceId}::uuid and q.id = d.queue_id
      left join work_pool p on p.workspace_id = ${tx.workspaceId}::uuid and p.id = q.pool_id
    ),
    keyed as (
      insert into idempotency (workspace_id, key, run_id, request_hash, created_at)
      select ${tx.workspaceId}::uuid, key, run_id, request_hash, at
      from target
      where key is not null and deployment_id is not null
        and not exists (select from flow_run r where r.workspace_id = ${tx.workspaceId}::uuid and r.id = target.run_id)
      order by key, ordinal
      on conflict (workspace_id, key) do nothing
      returning run_id
    ),
    fresh as (
      select * from target
      where deployment_id is not null and (key is null or run_id in (select run_id from keyed))
    ),
    identity as (
      insert into flow_run (id, workspace_id, flow_id, flow_version_id, deployment_id, pool_id, queue_id, parameters,
        tags, created_by_kind, created_by_id, created_at, scheduled_for, parent_run_id)
      select run_id, ${tx.workspaceId}::uuid, flow_id, flow_version_id, deployment_id, pool_id, queue_id, parameters,
        tags, actor_kind, actor_id, at, scheduled_for, parent_run_id
      from fresh
    ),
    live as (
      insert into live_run (run_id, workspace_id, deployment_id, pool_id, queue_id, queue_priority, scheduled_for,
        state_type, state_name, state_at, reason, state_sequence, retry, parent_run_id)
      select run_id, ${tx.workspaceId}::uuid, deployment_id, pool_id, queue_id, queue_priority, scheduled_for,
        'SCHEDULED', 'Scheduled', at, 'created', 0, retry, parent_run_id
      from fresh
    ),
    history as (
      insert into run_state (run_id, sequence, workspace_id, type, name, at, epoch, actor_kind, actor_id, reason)
      select run_id, 0, ${tx.workspaceId}::uuid, 'SCHEDULED', 'Scheduled', at, 0, actor_kind, actor_id, 'created'
      from fresh
    )
    select t.ordinal::int, t.flow_exists, t.run_id,
      t.deployment_id is not null and (t.key is null or t.run_id in (select run_id from keyed)) as created,
      t.flow_id, t.flow_version_id,
      t.deployment_id, t.strategy_of, t.pool_id, t.pool_name, t.queue_name, t.tags, t.at as created_at, t.scheduled_for,
      t.retry
    from target t
    order by t.ordinal`;
}

function toRun({ flowName, deploymentName, createdBy, parentRunId }: NewRun, row: Row): Run {
  return {
    id: row.run_id,
    flowId: row.flow_id,
    flowName,
    flowVersionId: row.flow_version_id,
    deploymentId: row.deployment_id,
    deploymentName,
    poolName: row.pool_name,
    queueName: row.queue_name,
    state: { type: "SCHEDULED", name: "Scheduled", at: row.created_at.toISOString() },
    reason: "created",
    epoch: 0,
    tags: row.tags,
    createdBy,
    createdAt: row.created_at.toISOString(),
    scheduledFor: row.scheduled_for.toISOString(),
    startedAt: null,
    endedAt: null,
    agentId: null,
    agentName: null,
    taskRunCount: 0,
    retriesLeft: retriesLeft(row.retry),
    parentRunId: parentRunId ?? null,
    error: null,
  };
}
