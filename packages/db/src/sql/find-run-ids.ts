import { isTerminal, type BulkRequest, type StateType } from "@downbeat/contract";
import { Prisma } from "../generated/client.ts";
import type { Tx } from "../transaction.ts";
import { runMatches } from "./read-runs.ts";

export type RunSelection = {
  readonly filter: Omit<BulkRequest["filter"], "stateType">;
  /** Only runs in one of these states; none: no run. */
  readonly stateTypes: readonly StateType[];
  /** Only runs with an id below this one. */
  readonly cursor?: string | undefined;
};

/** The ids of runs that match, newest first. Locks: none. Indexes: as listRuns in read-runs.ts. */
export async function findRunIds(
  tx: Tx,
  selection: RunSelection & { readonly limit: number },
): Promise<string[]> {
  const rows = await tx.prisma.$queryRaw<{ id: string }[]>`
    ${selected(tx, selection)} order by id desc limit ${selection.limit}::int`;
  return rows.map(({ id }) => id);
}

/**
 * How many runs match. Locks: none.
 * Indexes: ended_run_workspace_id_state_type_run_id_idx, live_run_workspace_id_run_id_idx.
 */
export async function countRuns(tx: Tx, selection: RunSelection): Promise<number> {
  const [row] = await tx.prisma.$queryRaw<[{ count: number }]>`
    select count(*)::int as count from (${selected(tx, selection)}) as selected`;
  return row.count;
}

function selected(tx: Tx, { filter, stateTypes, cursor }: RunSelection): Prisma.Sql {
  const matches = runMatches(tx, { ...filter, cursor });
  const live = stateTypes.filter((type) => !isTerminal(type));
  const ended = stateTypes.filter((type) => isTerminal(type));
  return Prisma.sql`
    select id from (
      (select r.id from ended_run e join flow_run r on r.id = e.run_id
        where e.workspace_id = ${tx.workspaceId}::uuid and e.state_type = any(${ended}::text[]) and ${matches})
      union all
      (select r.id from live_run l join flow_run r on r.id = l.run_id
        where l.workspace_id = ${tx.workspaceId}::uuid and l.state_type = any(${live}::text[]) and ${matches})
    ) as candidate`;
}
