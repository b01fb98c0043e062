import type { EngineTx } from "../transaction.ts";

export type NewRunPartition = { readonly table: string; readonly endsAt: Date };

/**
 * Makes the next partition of a table of run data: from where the newest one ends, up to `endsAt`.
 *
 * Returns its name; null when another process has made it. Locks: the table, exclusively, for a few milliseconds; it gives up after
 * 200 ms (SQLSTATE 55P03), so that nobody stands in line behind it for longer.
 */
export async function addRunPartition(
  tx: EngineTx,
  { table, endsAt }: NewRunPartition,
): Promise<string | null> {
  const [row] = await tx.prisma.$queryRaw<[{ name: string | null }]>`
    select add_run_partition(${table}::text, ${endsAt}::timestamptz) as name`;
  return row.name;
}
