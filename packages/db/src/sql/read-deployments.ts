import type { Deployment } from "@downbeat/contract";
import type { Tx } from "../transaction.ts";

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
 * Locks: none. Indexes: deployment_workspace_id_id_idx, deployment_flow_id_name_key.
 */
export function readDeploymentRows(tx: Tx, query: DeploymentQuery): Promise<DeploymentRow[]> {
  const ids = query.ids ?? null;
  const flowName = query.flowName ?? null;
  const deploymentName = query.deploymentName ?? null;
  const cursor = query.cursor ?? null;
  return tx.prisma.$queryRaw<DeploymentRow[]>`
    select d.id, d.flow_id, f.name as flow_name, d.flow_version_id, d.name, p.name as pool_name, q.name as queue_name,
      d.paused, d.tags, v.parameter_schema, d.entrypoint, d.default_parameters, d.retry, d.timeout_seconds,
      d.exclusive, d.host_transit, d.concurrency_limit, d.concurrency_strategy, d.limit_names, d.required_labels, d.signature,
      d.created_at, d.updated_at
    from deployment d
    join flow f on f.id = d.flow_id and f.workspace_id = ${tx.workspaceId}::uuid
    join flow_version v on v.id = d.flow_version_id and v.workspace_id = ${tx.workspaceId}::uuid
    join work_queue q on q.id = d.queue_id and q.workspace_id = ${tx.workspaceId}::uuid
    join work_pool p on p.id = q.pool_id and p.workspace_id = ${tx.workspaceId}::uuid
    where d.workspace_id = ${tx.workspaceId}::uuid
      and (${ids}::uuid[] is null or d.id = any(${ids}::uuid[]))
      and (${flowName}::text is null or f.name = ${flowName}::text)
      and (${deploymentName}::text is null or d.name = ${deploymentName}::text)
      and (${cursor}::uuid is null or d.id < ${cursor}::uuid)
    order by d.id desc
    limit ${query.limit}::int`;
}
