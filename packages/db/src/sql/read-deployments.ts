import type { Deployment } from "@downbeat/contract";
import { Prisma } from "../generated/client.ts";
import type { Tx } from "../transaction.ts";
import { readInOrder } from "./read-in-order.ts";

export type DeploymentRow = {
  id: string;
  flow_id: string;
  flow_name: string;
  flow_version_id: string;
  name: string;
  pool_name: string;
  queue_name: string;
  paused: boolean;
  tags: string[];
  parameter_schema: Deployment["parameterSchema"];
  entrypoint: string;
  default_parameters: string | null;
  retry: Deployment["retry"];
  timeout_seconds: number | null;
  exclusive: boolean;
  host_transit: boolean;
  concurrency_limit: number | null;
  concurrency_strategy: string;
  limit_names: string[];
  required_labels: string[];
  signature: string | null;
  created_at: Date;
  updated_at: Date;
};

export type DeploymentQuery = {
  readonly ids?: readonly string[];
  readonly flowName?: string | undefined;
  readonly deploymentName?: string | undefined;
  /** Only those with an id below this one. */
  readonly cursor?: string | null;
  readonly limit: number;
};

/**
 * Deployments with the names of what they belong to, newest first. One statement with joins: Prisma would send a query
 * per relation, all at once over the transaction's one connection.
 *
 * Locks: none. Indexes: deployment_workspace_id_id_idx; deployment_flow_id_name_key; deployment_pkey.
 */
export function readDeploymentRows(tx: Tx, query: DeploymentQuery): Promise<DeploymentRow[]> {
  const workspace = Prisma.sql`${tx.workspaceId}::uuid`;
  return readInOrder(
    tx,
    Prisma.sql`
    select d.id, d.flow_id, f.name as flow_name, d.flow_version_id, d.name, p.name as pool_name, q.name as queue_name,
      d.paused, d.tags, v.parameter_schema, d.entrypoint, d.default_parameters, d.retry, d.timeout_seconds,
      d.exclusive, d.host_transit, d.concurrency_limit, d.concurrency_strategy, d.limit_names, d.required_labels, d.signature,
      d.created_at, d.updated_at
    from (
      select * from (${asked(tx, query)}) as d order by id desc limit ${query.limit}::int
    ) as d
    join flow f on f.id = d.flow_id and (f.workspace_id = ${workspace}) is true
    join flow_version v on v.id = d.flow_version_id and (v.workspace_id = ${workspace}) is true
    join work_queue q on q.id = d.queue_id and (q.workspace_id = ${workspace}) is true
    join work_pool p on p.id = q.pool_id and (p.workspace_id = ${workspace}) is true
    order by d.id desc`,
  );
}

// Of a flow all are read and sorted (offset 0), as there are few; of the workspace those from where the page begins.
function asked(tx: Tx, query: DeploymentQuery): Prisma.Sql {
  const { ids, flowName, deploymentName, cursor = null } = query;
  const ofWorkspace = Prisma.sql`workspace_id = ${tx.workspaceId}::uuid`;
  const conditions: Prisma.Sql[] = [];
  if (ids !== undefined) conditions.push(Prisma.sql`id = any(${ids}::uuid[])`);
  if (flowName !== undefined)
    conditions.push(
      Prisma.sql`flow_id = (select id from flow where ${ofWorkspace} and name = ${flowName}::text)`,
    );
  const isOfAll = conditions.length === 0;
  conditions.push(isOfAll ? ofWorkspace : Prisma.sql`(${ofWorkspace}) is true`);
  if (deploymentName !== undefined) conditions.push(Prisma.sql`name = ${deploymentName}::text`);
  if (cursor !== null) conditions.push(Prisma.sql`id < ${cursor}::uuid`);
  const end = isOfAll ? Prisma.empty : Prisma.sql`offset 0`;
  return Prisma.sql`select * from deployment where ${Prisma.join(conditions, " and ")} ${end}`;
}
