import { uuidv7 } from "uuidv7";
import { Prisma } from "../generated/client.ts";
import type { Tx } from "../transaction.ts";
import type { NewRun } from "./new-run.ts";

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

/** What the term `target` shall tell besides: columns of deployment `d`, work_queue `q`, and whatever is joined. */
export type MoreOfTarget = { readonly columns: Prisma.Sql; readonly joins: Prisma.Sql };

/** The term `target`: the deployments, with what every run of them inherits; a row for each that is asked, found or not. */
export function targetTerm(tx: Tx, { targets }: Asked, more?: MoreOfTarget): Prisma.Sql {
  return Prisma.sql`target as (
      -- offset 0: one look by name for each, however many flows there are
      select wanted.ordinal, f.id is not null as flow_exists, f.id as flow_id, d.*
      from unnest(
        ${targets.map(({ flowName }) => flowName)}::text[],
        ${targets.map(({ deploymentName }) => deploymentName)}::text[]
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
            'onFailure', d.retry->'retriesOnFailure', 'made', 0) end as retry${more ? Prisma.sql`, ${more.columns}` : Prisma.empty}
        from deployment d
        join work_queue q on q.id = d.queue_id and (q.workspace_id = ${tx.workspaceId}::uuid) is true
        join work_pool p on p.id = q.pool_id and (p.workspace_id = ${tx.workspaceId}::uuid) is true
        ${more?.joins ?? Prisma.empty}
        where d.flow_id = f.id and d.name = wanted.deployment_name
          and (d.workspace_id = ${tx.workspaceId}::uuid) is true
        offset 0
      ) as d on true
    )`;
}
