import type { Tx } from "../transaction.ts";

/**
 * Has what follows in this transaction planned once and for all again, and as everywhere else, after find-run-lists.ts: planning takes
 * longer than reading.
 *
 * Locks: none.
 */
export async function keepPlans(tx: Tx): Promise<void> {
  await tx.prisma.$queryRaw`/* prepared */
    select set_config('plan_cache_mode', 'force_generic_plan', true), set_config('enable_sort', 'on', true),
      set_config('enable_incremental_sort', 'on', true)`;
}
