import type { Tx } from "../transaction.ts";

/**
 * Deletes ended runs with all that belongs to them; live ones stay. Their idempotency keys may be used again.
 *
 * Returns the ids that are gone. Locks: the ended_run rows, then the rows that go with them.
 * Indexes: ended_run_pkey, flow_run_pkey, run_state_pkey, task_run_pkey, task_run_count_pkey, log_chunk_pkey,
 * log_manifest_pkey, artifact_pkey, metric_pkey, idempotency_run_id_idx.
 */
export async function deleteRuns(tx: Tx, runIds: readonly string[]): Promise<string[]> {
  if (runIds.length === 0) return [];
  const rows = await tx.prisma.$queryRaw<{ id: string }[]>`
    with doomed as materialized (
      select run_id as id from ended_run
      where workspace_id = ${tx.workspaceId}::uuid and run_id = any(${runIds}::uuid[])
      order by run_id
      for update
    ),
    endings as (
      delete from ended_run e using doomed where e.run_id = doomed.id and e.workspace_id = ${tx.workspaceId}::uuid
    ),
    states as (
      delete from run_state s using doomed where s.run_id = doomed.id and s.workspace_id = ${tx.workspaceId}::uuid
    ),
    tasks as (
      delete from task_run t using doomed where t.run_id = doomed.id and t.workspace_id = ${tx.workspaceId}::uuid
    ),
    logs as (
      delete from log_chunk c using doomed where c.run_id = doomed.id and c.workspace_id = ${tx.workspaceId}::uuid
    ),
    manifests as (
      delete from log_manifest m using doomed where m.run_id = doomed.id and m.workspace_id = ${tx.workspaceId}::uuid
    ),
    artifacts as (
      delete from artifact a using doomed where a.run_id = doomed.id and a.workspace_id = ${tx.workspaceId}::uuid
    ),
    counts as (
      delete from task_run_count c using doomed where c.run_id = doomed.id and c.workspace_id = ${tx.workspaceId}::uuid
    ),
    metrics as (
      delete from metric m using doomed where m.run_id = doomed.id and m.workspace_id = ${tx.workspaceId}::uuid
    ),
    inputs as (
      delete from run_input i using doomed where i.run_id = doomed.id and i.workspace_id = ${tx.workspaceId}::uuid
    ),
    leases as (
      delete from former_lease f using doomed where f.run_id = doomed.id and f.workspace_id = ${tx.workspaceId}::uuid
    ),
    keys as (
      delete from idempotency i using doomed where i.workspace_id = ${tx.workspaceId}::uuid and i.run_id = doomed.id
    )
    delete from flow_run r using doomed where r.id = doomed.id and r.workspace_id = ${tx.workspaceId}::uuid
    returning r.id`;
  return rows.map(({ id }) => id);
}
