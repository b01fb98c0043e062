import { arrayLiteral, plainColumn } from "../array-literal.ts";
import { optionalColumn, optionalPlainColumn, plainBatchColumn } from "../batch-column.ts";
import { Prisma } from "../generated/client.ts";
import type { Tx } from "../transaction.ts";
import { toInstant, type NewRun } from "./new-run.ts";
import { areAllNear, isStrayId } from "./stray-ids.ts";
import { targetTerm, type Asked, type MoreOfTarget } from "./targets.ts";

type MakingOptions = {
  readonly asked: Asked;
  readonly now: Date | null;
  readonly more?: MoreOfTarget;
};

/**
 * The terms of a statement that make runs, all but their rows in live_run: `clock (at)`; `target`, the deployments; `fresh`, the rows
 * that no key had made before, with what they inherit. What no row has is not in the statement: the server sets up every part of a
 * statement each time, needed or not, and most runs are made one by one, with no key and no tags.
 */
export function making(
  tx: Tx,
  rows: readonly NewRun[],
  { asked, now, more }: MakingOptions,
): Prisma.Sql {
  return Prisma.sql`-- Cut off, not rounded: what is due now must not wait for the next millisecond.
    clock as (select date_trunc('milliseconds', coalesce(${now}::timestamptz, now())) as at),
    near as (select ${areAllNear(asked.runIds)} from clock),
    ${targetTerm(tx, asked, more)},
    ${haveKeys(rows) ? freshByKey(tx, rows, asked) : Prisma.sql`fresh as (${input(rows, asked)})`},
    identity as (
      insert into flow_run (id, workspace_id, flow_id, flow_version_id, deployment_id, pool_id, queue_id, parameters,
        tags, created_by_kind, created_by_id, created_at, scheduled_for, parent_run_id, trigger_signature, stray_id)
      select run_id, ${tx.workspaceId}::uuid, flow_id, flow_version_id, deployment_id, pool_id, queue_id, parameters,
        tags, actor_kind, actor_id, at, scheduled_for, parent_run_id, signature, ${isStrayId}
      from fresh
    )`;
}

/** The columns of a {@link Target}, of `target` and `clock`. */
export function targetColumns(rows: readonly NewRun[]): Prisma.Sql {
  return Prisma.sql`target.ordinal::int, target.flow_exists, target.flow_id, target.flow_version_id, target.deployment_id,
      target.strategy_of, target.pool_id, target.pool_name, target.queue_name, target.tags, target.retry,
      clock.at as created_at, ${haveKeys(rows) ? TAKEN : Prisma.sql`'{}'::uuid[]`} as taken`;
}

const TAKEN = Prisma.sql`array(
        select input.run_id from input
        where input.target = target.ordinal and input.key is not null and input.run_id not in (select run_id from keyed)
      )`;

function haveKeys(rows: readonly NewRun[]): boolean {
  return rows.some(({ idempotencyKey }) => idempotencyKey !== null);
}

function freshByKey(tx: Tx, rows: readonly NewRun[], asked: Asked): Prisma.Sql {
  return Prisma.sql`input as (${input(rows, asked)}),
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
    )`;
}

// The rows as they are given, each with its deployment, if there is one.
function input(rows: readonly NewRun[], asked: Asked): Prisma.Sql {
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
  return Prisma.sql`
      select given.run_id, given.parameters, given.signature, given.key, given.request_hash,
        coalesce(given.actor_kind, ${actorKind.same}::text) as actor_kind,
        coalesce(given.actor_id, ${actorId.same}::uuid) as actor_id, given.parent_run_id, given.row_number, clock.at,
        coalesce(given.scheduled_for, clock.at) as scheduled_for,
        target.ordinal as target, target.flow_id, target.flow_version_id, target.deployment_id, target.pool_id,
        target.queue_id, target.queue_priority, target.retry, ${tags === null ? TAGS_OF_TARGET : MERGED_TAGS} as tags
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
    `;
}

const TAGS_OF_TARGET = Prisma.sql`target.tags`;

const MERGED_TAGS = Prisma.sql`case when given.tags is null then target.tags
          else (array(select distinct unnest(target.tags || given.tags::text[]) collate "C" order by 1))[1:32] end`;
