import type { EngineTx } from "../transaction.ts";
import type { StoredRunPartition } from "./list-run-partitions.ts";

/**
 * Deletes what belongs to the runs of a partition and has no partitions itself: idempotency keys, what pause points were
 * given, leases of earlier attempts. At most `limit` rows of each kind; call again while it returns that many.
 *
 * Returns how many there were of the most numerous kind. Locks: the rows. Indexes: idempotency_run_id_idx, run_input_pkey, former_lease_pkey.
 */
export async function forgetRunKeys(
  tx: EngineTx,
  { fromId, toId }: StoredRunPartition,
  limit: number,
): Promise<number> {
  const [row] = await tx.prisma.$queryRaw<[{ most: number }]>`
    with keys as (
      delete from idempotency where run_id in (
        select run_id from idempotency where run_id >= ${fromId}::uuid and run_id < ${toId}::uuid limit ${limit}::int)
      returning 1
    ),
    inputs as (
      delete from run_input where run_id in (
        select run_id from run_input where run_id >= ${fromId}::uuid and run_id < ${toId}::uuid limit ${limit}::int)
      returning 1
    ),
    leases as (
      delete from former_lease where run_id in (
        select run_id from former_lease where run_id >= ${fromId}::uuid and run_id < ${toId}::uuid limit ${limit}::int)
      returning 1
    )
    select greatest(
      (select count(*) from keys), (select count(*) from inputs), (select count(*) from leases))::int as most`;
  return row.most;
}
