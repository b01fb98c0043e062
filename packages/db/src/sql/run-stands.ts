import type { Tx } from "../transaction.ts";

/**
 * Whether a run is live or has ended; undefined when not here. For whoever needs no more of it.
 *
 * Locks: none. Indexes: flow_run_pkey, ended_run_pkey.
 */
export async function runStands(tx: Tx, runId: string): Promise<"live" | "ended" | undefined> {
  const [row] = await tx.prisma.$queryRaw<{ ended: boolean }[]>`/* prepared */
    select e.run_id is not null as ended
    from flow_run r
    left join ended_run e on e.run_id = r.id and (e.workspace_id = ${tx.workspaceId}::uuid) is true
    where (r.workspace_id = ${tx.workspaceId}::uuid) is true and r.id = ${runId}::uuid`;
  return row && (row.ended ? "ended" : "live");
}
