import type { Tx } from "@downbeat/db";

/**
 * How many rows some work looks at, whatever it finds.
 *
 * @param tables pattern of the names of the tables that count, partitions too
 */
export async function rowsLookedAt(
  tx: Pick<Tx, "prisma">,
  tables: string,
  work: () => Promise<unknown>,
): Promise<number> {
  const before = await lookedAtSoFar(tx, tables);
  await work();
  return (await lookedAtSoFar(tx, tables)) - before;
}

// Of this connection; what its earlier transactions have looked at may be among them.
async function lookedAtSoFar(tx: Pick<Tx, "prisma">, tables: string): Promise<number> {
  const [row] = await tx.prisma.$queryRaw<[{ rows: number }]>`
    select sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::int as rows
    from pg_stat_xact_user_tables where relname ~ ${tables}::text`;
  return row.rows;
}
