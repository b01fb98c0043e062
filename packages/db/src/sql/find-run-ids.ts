import { isTerminal, type StateType } from "@downbeat/contract";
import { Prisma } from "../generated/client.ts";
import type { Tx } from "../transaction.ts";
import { isOfAll, runMatches, runPage, type RunSelection } from "./run-page.ts";

/** The ids of runs that match, newest first. No state asked: none matches. Locks: none. Indexes: as in run-page.ts. */
export async function findRunIds(
  tx: Tx,
  { limit, ...selection }: StateSelection & { readonly limit: number },
): Promise<string[]> {
  if (selection.stateTypes.length === 0) return [];
  const page = await runPage(tx, selection, limit);
  const rows = await tx.prisma.$queryRaw<{ id: string }[]>`${page}`;
  return rows.map(({ id }) => id);
}

type StateSelection = RunSelection & { readonly stateTypes: readonly StateType[] };

/**
 * How many runs match. Locks: none.
 * Indexes: ended_run_workspace_id_state_type_run_id_idx, live_run_workspace_id_run_id_idx.
 */
export async function countRuns(tx: Tx, selection: StateSelection): Promise<number> {
  const matches = Prisma.sql`${isOfAll(tx, selection)} and ${runMatches(tx, selection)}`;
  const live = selection.stateTypes.filter((type) => !isTerminal(type));
  const ended = selection.stateTypes.filter((type) => isTerminal(type));
  const [row] = await tx.prisma.$queryRaw<[{ count: number }]>`
    select (
      (select count(*) from ended_run e join flow_run r on r.id = e.run_id
        where e.workspace_id = ${tx.workspaceId}::uuid and e.state_type = any(${ended}::text[]) and ${matches})
      + (select count(*) from live_run l join flow_run r on r.id = l.run_id
        where l.workspace_id = ${tx.workspaceId}::uuid and l.state_type = any(${live}::text[]) and ${matches})
    )::int as count`;
  return row.count;
}
