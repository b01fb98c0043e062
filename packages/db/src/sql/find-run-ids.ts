import type { StateType } from "@downbeat/contract";
import { Prisma } from "../generated/client.ts";
import type { Tx } from "../transaction.ts";
import { readInOrder } from "./read-in-order.ts";
import { runPage } from "./run-page.ts";
import type { RunSelection } from "./run-selection.ts";

/** The ids of runs that match, newest first. No state asked: none matches. Locks: none. Indexes: as in run-page.ts. */
export async function findRunIds(
  tx: Tx,
  { limit, ...selection }: StateSelection & { readonly limit: number },
): Promise<string[]> {
  if (selection.stateTypes.length === 0) return [];
  const page = await runPage(tx, selection, limit);
  const rows = await readInOrder<{ id: string }>(tx, page);
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
  const counting = Prisma.sql`select count(*)::int as count from (${page}) as counted`;
  const [row] = await readInOrder<{ count: number }>(tx, counting);
  return row?.count ?? 0;
}
