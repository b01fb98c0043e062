import type { Tx } from "../transaction.ts";

type Fence = { readonly runId: string; readonly epoch: number; readonly leaseToken: string };
type Row = { run_id: string; epoch: number; lease_token: string };

/**
 * Tells which leases were those of earlier attempts: void, but what was logged under them belongs to what happened.
 *
 * Returns these by their token, which is unique. Locks: none. Index: former_lease_pkey.
 */
export async function readFormerLeases(
  tx: Tx,
  fences: readonly Fence[],
): Promise<ReadonlyMap<string, Fence>> {
  const rows = await tx.prisma.$queryRaw<Row[]>`
    select f.run_id, f.epoch, f.lease_token
    from unnest(
      ${fences.map(({ runId }) => runId)}::uuid[], ${fences.map(({ epoch }) => epoch)}::int[],
      ${fences.map(({ leaseToken }) => leaseToken)}::text[]
    ) as shown (run_id, epoch, lease_token)
    join former_lease f using (run_id, epoch, lease_token)
    where f.workspace_id = ${tx.workspaceId}::uuid`;
  return new Map(
    rows.map(({ run_id: runId, epoch, lease_token: leaseToken }) => [
      leaseToken,
      { runId, epoch, leaseToken },
    ]),
  );
}
