import type { Tx } from "../transaction.ts";

/**
 * The live runs that some runs triggered, directly or through others that are live.
 *
 * Returns pairs of one of the given runs and one of its descendants. Locks: none. Index: live_run_parent_idx.
 */
export async function findDescendants(
  tx: Tx,
  rootIds: readonly string[],
): Promise<{ rootId: string; runId: string }[]> {
  const rows = await tx.prisma.$queryRaw<{ root_id: string; run_id: string }[]>`
    with recursive family (root_id, run_id) as (
      select id, id from unnest(${rootIds}::uuid[]) as root (id)
      union
      select family.root_id, l.run_id
      from family
      -- offset 0: one look for each, however many runs are live
      cross join lateral (
        select run_id from live_run
        where parent_run_id = family.run_id and (workspace_id = ${tx.workspaceId}::uuid) is true offset 0
      ) as l
    )
    select root_id, run_id from family where run_id <> root_id`;
  return rows.map((row) => ({ rootId: row.root_id, runId: row.run_id }));
}
