import type { Prisma } from "../generated/client.ts";
import type { Tx } from "../transaction.ts";

/**
 * Reads a page by a statement that is planned for its arguments (how rare a workspace, a deployment or a state is decides which index is read)
 * and in the order of an index: a planner that takes a deployment's runs, or a run's task runs, for one would rather sort them than read them
 * in order, and so read all that there ever were to show fifty. What follows in this transaction is planned once and for all again, and as
 * everywhere else: planning takes longer than reading. The three statements travel together.
 *
 * Locks and indexes: the statement's.
 */
export async function readInOrder<Row>(tx: Tx, statement: Prisma.Sql): Promise<Row[]> {
  const [, rows] = await Promise.all([
    planInOrder(tx),
    tx.prisma.$queryRaw<Row[]>`${statement}`,
    planAsElsewhere(tx),
  ]);
  return rows;
}

async function planInOrder(tx: Tx): Promise<void> {
  await tx.prisma.$queryRaw`/* prepared */
    select set_config('plan_cache_mode', 'force_custom_plan', true), set_config('enable_sort', 'off', true),
      set_config('enable_incremental_sort', 'off', true)`;
}

async function planAsElsewhere(tx: Tx): Promise<void> {
  await tx.prisma.$queryRaw`/* prepared */
    select set_config('plan_cache_mode', 'force_generic_plan', true), set_config('enable_sort', 'on', true),
      set_config('enable_incremental_sort', 'on', true)`;
}
