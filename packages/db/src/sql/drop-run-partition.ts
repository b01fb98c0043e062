import type { EngineTx } from "../transaction.ts";

/**
 * Drops a partition that is empty and the oldest but for the one that takes everything older, which takes its ids from then on.
 *
 * Returns false when it may not be dropped yet. Locks: its table, exclusively, for a few milliseconds; it gives up after
 * 200 ms (SQLSTATE 55P03).
 */
export async function dropRunPartition(tx: EngineTx, name: string): Promise<boolean> {
  const [row] = await tx.prisma.$queryRaw<[{ dropped: boolean }]>`
    select absorb_run_partition(${name}::text) as dropped`;
  return row.dropped;
}
