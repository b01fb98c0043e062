import type { Actor, Run } from "@downbeat/contract";
import { uuidv7 } from "uuidv7";
import type { RetryBudget } from "@downbeat/core";
import { arrayLiteral, plainColumn } from "../array-literal.ts";
import { optionalColumn, optionalPlainColumn, plainBatchColumn } from "../batch-column.ts";
import { retriesLeft } from "../run-row.ts";
import type { Tx } from "../transaction.ts";
import { isStrayId, nearIds } from "./stray-ids.ts";

export type NewRun = {
  /** The id that the caller has chosen; `idempotencyKey` is then the same. */
  readonly runId?: string | null;
  readonly flowName: string;
  readonly deploymentName: string;
  /** Sealed. */
  readonly parameters: string | null;
  /** JWS by which it is triggered. */
  readonly signature?: string | null;
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
 * What became of one asked run. `standing`: the idempotency key had made this run before. `mismatch`: it had, for
 * another request. `unknown`: no such flow or deployment; `flowExists` tells which.
 */
export type CreatedRun =
  | {
      readonly status: "created";
      readonly runId: string;
      /** As the API shows it. Made on demand: who makes thousands only wants their ids. */
      readonly run: () => Run;
      readonly poolId: string;
      /** Whether an agent may take it now. */
      readonly isDue: boolean;
      /** Set when the deployment's strategy may cancel runs: enforce-strategies.ts then has a say. */
      readonly strategyOf: string | null;
    }
  | { readonly status: "standing" | "mismatch"; readonly runId: string }
  | { readonly status: "unknown"; readonly flowExists: boolean };

/** What {@link insertRuns} says of a row. `taken`: its key, or its id, had made a run before. */
export type InsertedRun = CreatedRun | { readonly status: "taken" };

/** A deployment that some of the rows ask for, with what every run of it inherits. */
type Target = {
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

/** Rows by the deployment they ask for, so that each is looked up once however many runs of it are asked. */
type Asked = {
  readonly runIds: readonly string[];
  /** Per row, its place in `targets`, from 1. */
  readonly places: readonly number[];
  readonly targets: readonly Pick<NewRun, "flowName" | "deploymentName">[];
};

/**
 * Makes runs: identity, live row and idempotency key in one statement. The identity tells all about a run's first state,
 * so its history begins with the second (see listRunStates).
 *
 * Returns one answer per row, in order, for `findTaken`. Two rows of one call may share a key; the second is then taken.
 * Locks: the new rows; a key that another transaction is just inserting is waited for, in order of key.
 * Indexes: flow_workspace_id_name_key, deployment_flow_id_name_key, idempotency_pkey, flow_run_pkey.
 *
 * @param now for tests; the database's clock when null
 */
export async function insertRuns(
  tx: Tx,
  rows: readonly NewRun[],
  now: Date | null = null,
): Promise<InsertedRun[]> {
  const asked = byTarget(rows);
  const targets = await insert(tx, rows, { asked, now });
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

function byTarget(rows: readonly NewRun[]): Asked {
  const placeOf = new Map<string, number>();
  const targets: NewRun[] = [];
  const places = rows.map((row) => {
    const key = `${row.flowName}/${row.deploymentName}`; // no name holds a slash
    const place = placeOf.get(key) ?? targets.push(row);
    placeOf.set(key, place);
    return place;
  });
  return { runIds: rows.map(({ runId }) => runId ?? uuidv7()), places, targets };
}

function insert(
  tx: Tx,
  rows: readonly NewRun[],
  { asked, now }: { asked: Asked; now: Date | null },
): Promise<Target[]> {
  const column = <K extends keyof NewRun>(key: K) => optionalColumn(rows.map((row) => row[key]));
  const place = plainBatchColumn(asked.places);
  const instants = optionalPlainColumn(rows.map(toInstant));
  const tags = optionalColumn(
    rows.map((row) => (row.tags.length === 0 ? null : arrayLiteral(row.tags))),
  );
  // Only what has a key can be asked twice.
  const hashes = optionalColumn(
    rows.map((row) => (row.idempotencyKey === null ? null : row.requestHash)),
  );
  const actorKind = plainBatchColumn(rows.map(({ createdBy }) => createdBy.kind));
  const actorId = plainBatchColumn(rows.map(({ createdBy }) => createdBy.id));
  return tx.prisma.$queryRaw<Target[]>`/* prepared */
    -- Cut off, not rounded: what is due now must not wait for the next millisecond.
    with clock as (select date_trunc('milliseconds', coalesce(${now}::timestamptz, now())) as at),
    near as (select ${nearIds} from clock),
    target as (
      -- offset 0: one look by name for each, however many flows there are
      select wanted.ordinal, f.id is not null as flow_exists, f.id as flow_id, d.*
      from unnest(
        ${asked.targets.map(({ flowName }) => flowName)}::text[],
        ${asked.targets.map(({ deploymentName }) => deploymentName)}::text[]
      ) with ordinality as wanted (flow_name, deployment_name, ordinal)
      left join lateral (
        select id from flow where workspace_id = ${tx.workspaceId}::uuid and name = wanted.flow_name offset 0
      ) as f on true
      left join lateral (
        select d.id as deployment_id, d.flow_version_id, d.tags, q.pool_id, p.name as pool_name, q.id as queue_id,
          q.name as queue_name, q.priority as queue_priority,
          case when d.concurrency_strategy <> 'enqueue' and d.concurrency_limit is not null then d.id end
            as strategy_of,
          case when d.retry is not null then jsonb_build_object('policy', d.retry, 'onCrash', d.retry->'retriesOnCrash',
            'onFailure', d.retry->'retriesOnFailure', 'made', 0) end as retry
        from deployment d
        join work_queue q on q.id = d.queue_id and (q.workspace_id = ${tx.workspaceId}::uuid) is true
        join work_pool p on p.id = q.pool_id and (p.workspace_id = ${tx.workspaceId}::uuid) is true
        where d.flow_id = f.id and d.name = wanted.deployment_name
          and (d.workspace_id = ${tx.workspaceId}::uuid) is true
        offset 0
      ) as d on true
    ),
    input as (
      select given.run_id, given.parameters, given.signature, given.key, given.request_hash,
        coalesce(given.actor_kind, ${actorKind.same}::text) as actor_kind,
        coalesce(given.actor_id, ${actorId.same}::uuid) as actor_id, given.parent_run_id, given.row_number, clock.at,
        coalesce(given.scheduled_for, clock.at) as scheduled_for,
        target.ordinal as target, target.flow_id, target.flow_version_id, target.deployment_id, target.pool_id,
        target.queue_id, target.queue_priority, target.retry,
        case when given.tags is null then target.tags
          else (array(select distinct unnest(target.tags || given.tags::text[]) collate "C" order by 1))[1:32] end
          as tags
      from unnest(
        ${plainColumn(asked.runIds)}::uuid[], ${place.array}::int[], ${column("parameters")}::text[],
        ${instants}::timestamptz[], ${tags}::text[], ${column("idempotencyKey")}::text[],
        ${hashes}::text[], ${actorKind.array}::text[], ${actorId.array}::uuid[], ${column("parentRunId")}::uuid[],
        ${column("signature")}::text[]
      ) with ordinality as given (
        run_id, target, parameters, scheduled_for, tags, key, request_hash, actor_kind, actor_id, parent_run_id,
        signature, row_number
      )
      join target on target.ordinal = coalesce(given.target, ${place.same}::int) and target.deployment_id is not null
      cross join clock
    ),
    keyed as (
      insert into idempotency (workspace_id, key, run_id, request_hash, created_at)
      select ${tx.workspaceId}::uuid, key, run_id, request_hash, at
      from input
      where key is not null and not exists (
        select from flow_run r where (r.workspace_id = ${tx.workspaceId}::uuid) is true and r.id = input.run_id
      )
      order by key, row_number
      on conflict (workspace_id, key) do nothing
      returning run_id
    ),
    fresh as (
      select * from input where key is null or run_id in (select run_id from keyed)
    ),
    identity as (
      insert into flow_run (id, workspace_id, flow_id, flow_version_id, deployment_id, pool_id, queue_id, parameters,
        tags, created_by_kind, created_by_id, created_at, scheduled_for, parent_run_id, trigger_signature, stray_id)
      select run_id, ${tx.workspaceId}::uuid, flow_id, flow_version_id, deployment_id, pool_id, queue_id, parameters,
        tags, actor_kind, actor_id, at, scheduled_for, parent_run_id, signature,
        ${isStrayId}
      from fresh
    ),
    live as (
      insert into live_run (run_id, workspace_id, deployment_id, pool_id, queue_id, queue_priority, scheduled_for,
        state_type, state_name, state_at, reason, state_sequence, retry, parent_run_id)
      select run_id, ${tx.workspaceId}::uuid, deployment_id, pool_id, queue_id, queue_priority, scheduled_for,
        'SCHEDULED', 'Scheduled', at, 'created', 0, retry, parent_run_id
      from fresh
    )
    select target.ordinal::int, target.flow_exists, target.flow_id, target.flow_version_id, target.deployment_id,
      target.strategy_of, target.pool_id, target.pool_name, target.queue_name, target.tags, target.retry,
      clock.at as created_at,
      array(
        select input.run_id from input
        where input.target = target.ordinal and input.key is not null and input.run_id not in (select run_id from keyed)
      ) as taken
    from target cross join clock
    order by target.ordinal`;
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

// To the millisecond, as it is kept.
function toInstant({ scheduledFor }: NewRun): string | null {
  return scheduledFor === null ? null : new Date(scheduledFor).toISOString();
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
