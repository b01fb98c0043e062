import type { Tx } from "../transaction.ts";

/**
 * Remembers in which pools these deployments stand, for as long as they exist: runs they make there are looked for under them.
 *
 * Locks: none that another deploy of them does not hold. Indexes: deployment_pkey, work_queue_pkey, pool_deployment_pkey.
 */
export async function keepPoolsOfDeployments(
  tx: Tx,
  deploymentIds: readonly string[],
): Promise<void> {
  await tx.prisma.$executeRaw`
    insert into pool_deployment (workspace_id, pool_id, deployment_id)
    select d.workspace_id, q.pool_id, d.id
    from deployment d join work_queue q on q.id = d.queue_id
    where d.workspace_id = ${tx.workspaceId}::uuid and q.workspace_id = ${tx.workspaceId}::uuid
      and d.id = any(${deploymentIds}::uuid[])
    on conflict do nothing`;
}
