import { uuidv7 } from "uuidv7";
import { arrayLiteral, plainColumn } from "../array-literal.ts";
import { optionalColumn, optionalPlainColumn, plainBatchColumn } from "../batch-column.ts";
import { Prisma } from "../generated/client.ts";
import type { Tx } from "../transaction.ts";
import { toInstant, type NewRun } from "./new-run.ts";
import { isStrayId, nearIds } from "./stray-ids.ts";

/** Rows by the deployment they ask for, so that each is looked up once however many runs of it are asked. */
export type Asked = {
  readonly runIds: readonly string[];
  /** Per row, its place in `targets`, from 1. */
  readonly places: readonly number[];
  readonly targets: readonly Pick<NewRun, "flowName" | "deploymentName">[];
};

export function byTarget(rows: readonly NewRun[]): Asked {
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

/**
 * The terms of a statement that make runs, all but their rows in live_run: `clock (at)`; `target`, the deployments; `fresh`, the rows
 * that no key had made before, with what they inherit.
 */
export function making(
  tx: Tx,
  rows: readonly NewRun[],
  { asked, now }: { asked: Asked; now: Date | null },
): Prisma.Sql {
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
  return Prisma.sql`-- Cut off, not rounded: what is due now must not wait for the next millisecond.
    clock as (select date_trunc('milliseconds', coalesce(${now}::timestamptz, now())) as at),
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
    )`;
}

/** The columns of a {@link Target}, of `target` and `clock`. */
export const targetColumns = Prisma.sql`target.ordinal::int, target.flow_exists, target.flow_id, target.flow_version_id, target.deployment_id,
      target.strategy_of, target.pool_id, target.pool_name, target.queue_name, target.tags, target.retry,
      clock.at as created_at,
      array(
        select input.run_id from input
        where input.target = target.ordinal and input.key is not null and input.run_id not in (select run_id from keyed)
      ) as taken`;
