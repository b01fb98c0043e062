import type { RunFilter } from "@downbeat/contract";
import { Prisma } from "../generated/client.ts";
import type { Tx } from "../transaction.ts";

/** With more deployments than this, a run of one of them is not far in the list of all runs. */
const MOST_LISTS = 64;

/** Under which ids the runs stand that a filter may match. */
export type RunLists = {
  readonly deploymentIds: readonly string[];
  /** For their runs of no deployment. */
  readonly flowIds: readonly string[];
};

type Asked = Pick<RunFilter, "flowName" | "deploymentName" | "poolName">;

/**
 * Returns the id of the flow that is asked for, and where its, the deployment's or the pool's runs are listed; no lists when none of them is
 * asked for, or too many deployments are. A pool's runs are those of the deployments that have ever stood in it, among others if these moved.
 *
 * Locks: none. Indexes: flow_workspace_id_name_key, deployment_flow_id_name_key, deployment_workspace_id_id_idx,
 * work_pool_workspace_id_name_key, pool_deployment_pkey.
 */
export async function findRunLists(
  tx: Tx,
  { flowName, deploymentName, poolName }: Asked,
): Promise<{ flowId: string | null; lists: RunLists | null }> {
  const isOfDeployments = deploymentName !== undefined || poolName !== undefined;
  const isNarrow = isOfDeployments || flowName !== undefined;
  const [row] = await tx.prisma.$queryRaw<[{ flow_id: string | null; ids: string[] }]>`
    select (
      select id from flow
      where workspace_id = ${tx.workspaceId}::uuid and name = ${flowName ?? null}::text
    ) as flow_id, array(
      select d.id from deployment d join flow f on f.id = d.flow_id
      ${poolName === undefined ? Prisma.empty : thatStoodIn(tx, poolName)}
      where d.workspace_id = ${tx.workspaceId}::uuid
        and (${deploymentName ?? null}::text is null or d.name = ${deploymentName ?? null}::text)
        and (${flowName ?? null}::text is null or f.name = ${flowName ?? null}::text)
      limit ${isNarrow ? MOST_LISTS + 1 : 0}::int
    ) as ids`;
  const { flow_id: flowId, ids } = row;
  if (!isNarrow || ids.length > MOST_LISTS) return { flowId, lists: null };
  const flowIds = isOfDeployments || flowId === null ? [] : [flowId];
  return { flowId, lists: { deploymentIds: ids, flowIds } };
}

// Begins with the pool's own entries (offset 0): asked of each deployment, with a limit on these, the planner goes through them all.
function thatStoodIn(tx: Tx, poolName: string): Prisma.Sql {
  return Prisma.sql`
    join (
      select s.deployment_id from pool_deployment s
      where s.workspace_id = ${tx.workspaceId}::uuid and s.pool_id = (
        select id from work_pool where workspace_id = ${tx.workspaceId}::uuid and name = ${poolName}::text
      )
      offset 0
    ) as stood on stood.deployment_id = d.id`;
}
