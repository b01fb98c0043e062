import type { Prisma } from "../generated/client.ts";
import type { Tx } from "../transaction.ts";

/**
 * Reads by a statement made of a page of run-page.ts. What follows in this transaction is planned once and for all again, and as
 * everywhere else, after find-run-lists.ts: planning takes longer than reading.
 *
 * Locks: none. Indexes: as in run-page.ts.
 */
export async function readRunPage<Row>(tx: Tx, statement: Prisma.Sql): Promise<Row[]> {
  const [rows] = await Promise.all([tx.prisma.$queryRaw<Row[]>`${statement}`, keepPlans(tx)]);
  return rows;
}

async function keepPlans(tx: Tx): Promise<void> {
  await tx.prisma.$queryRaw`/* prepared */
    select set_config('plan_cache_mode', 'force_generic_plan', true), set_config('enable_sort', 'on', true),
      set_config('enable_incremental_sort', 'on', true)`;
}
