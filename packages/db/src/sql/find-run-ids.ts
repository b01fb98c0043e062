import type { StateType } from "@downbeat/contract";
import type { Tx } from "../transaction.ts";
import { keepPlans } from "./keep-plans.ts";
import { runPage, type RunSelection } from "./run-page.ts";

/** The ids of runs that match, newest first. No state asked: none matches. Locks: none. Indexes: as in run-page.ts. */
export async function findRunIds(
  tx: Tx,
  { limit, ...selection }: StateSelection & { readonly limit: number },
): Promise<string[]> {
  if (selection.stateTypes.length === 0) return [];
  const page = await runPage(tx, selection, limit);
  const [rows] = await Promise.all([tx.prisma.$queryRaw<{ id: string }[]>`${page}`, keepPlans(tx)]);
  return rows.map(({ id }) => id);
}

type StateSelection = RunSelection & { readonly stateTypes: readonly StateType[] };

/**
 * How many runs match, counted no further than `limit`. No state asked: none matches.
 * Locks: none. Indexes: as in run-page.ts.
 */
export async function countRuns(
  tx: Tx,
  { limit, ...selection }: StateSelection & { readonly limit: number },
): Promise<number> {
  if (selection.stateTypes.length === 0) return 0;
  const page = await runPage(tx, selection, limit);
  const [[row]] = await Promise.all([
    tx.prisma.$queryRaw<[{ count: number }]>`
      select count(*)::int as count from (${page}) as counted`,
    keepPlans(tx),
  ]);
  return row.count;
}
