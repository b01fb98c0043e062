import type { LeasedDeployment } from "@downbeat/contract";
import { Prisma } from "../generated/client.ts";
import type { Tx } from "../transaction.ts";

/** A deployment as an agent is told of it. */
export type LeasedDeploymentRow = {
  flow_name: string;
  deployment_name: string;
  content_hash: string;
  entrypoint: string;
  default_parameters: string | null;
  signature: string | null;
  timeout_seconds: number | null;
  exclusive: boolean;
  limited_tags: string[];
};

/**
 * Reads the deployments of claimed runs, once each, and the tags that the workspace limits. Sends nothing when there are none.
 *
 * Returns a map by deployment id. Locks: none. Indexes: deployment_pkey, flow_pkey, flow_version_pkey,
 * concurrency_limit_workspace_id_name_key.
 */
export async function readLeasedDeployments(
  tx: Tx,
  runs: readonly { readonly deployment_id: string }[],
): Promise<ReadonlyMap<string, LeasedDeployment>> {
  if (runs.length === 0) return new Map();
  const ids = [...new Set(runs.map(({ deployment_id }) => deployment_id))];
  const rows = await tx.prisma.$queryRaw<(LeasedDeploymentRow & { id: string })[]>`/* prepared */
    select d.id, ${deploymentColumns(tx)}
    from deployment d
    join flow f on f.id = d.flow_id and (f.workspace_id = ${tx.workspaceId}::uuid) is true
    join flow_version v on v.id = d.flow_version_id and (v.workspace_id = ${tx.workspaceId}::uuid) is true
    where (d.workspace_id = ${tx.workspaceId}::uuid) is true and d.id = any(${ids}::uuid[])`;
  return new Map(rows.map((row) => [row.id, toLeasedDeployment(row)]));
}

/** The columns of a {@link LeasedDeploymentRow}, of deployment `d`, flow `f` and flow_version `v`. */
export function deploymentColumns(tx: Tx): Prisma.Sql {
  return Prisma.sql`f.name as flow_name, d.name as deployment_name, ${unnamedDeploymentColumns(tx)}`;
}

/** The same but for the names, of `d` and `v`. */
export function unnamedDeploymentColumns(tx: Tx): Prisma.Sql {
  return Prisma.sql`v.content_hash, d.entrypoint, d.default_parameters,
      d.signature, d.timeout_seconds, d.exclusive, array(
        select distinct c.tag from concurrency_limit c where c.workspace_id = ${tx.workspaceId}::uuid and c.tag is not null
      ) as limited_tags`;
}

export function toLeasedDeployment(row: LeasedDeploymentRow): LeasedDeployment {
  return {
    flowName: row.flow_name,
    deploymentName: row.deployment_name,
    contentHash: row.content_hash,
    entrypoint: row.entrypoint as LeasedDeployment["entrypoint"],
    defaultParameters: row.default_parameters as LeasedDeployment["defaultParameters"],
    deploymentSignature: row.signature as LeasedDeployment["deploymentSignature"],
    timeoutSeconds: row.timeout_seconds,
    exclusive: row.exclusive,
    limitedTags: row.limited_tags,
  };
}
