import type { RunFilter, StateType } from "@downbeat/contract";
import { Prisma } from "../generated/client.ts";
import { idCursor } from "../page.ts";
import type { Tx } from "../transaction.ts";
import { STRAY_ID_MS } from "./stray-ids.ts";

/** Which runs. */
export type RunSelection = {
  readonly filter: Omit<RunFilter, "limit" | "stateType" | "cursor">;
  /** Only runs in one of these states; undefined: in any. */
  readonly stateTypes?: readonly StateType[] | undefined;
  /** Only runs with an id below this one. */
  readonly cursor?: string | undefined;
};

const LOWEST_ID = "00000000-0000-0000-0000-000000000000";
export const HIGHEST_ID = "ffffffff-ffff-ffff-ffff-ffffffffffff";

/** How long before a run reached the API its caller may have given it its id, and how far that clock may be ahead. */
const EARLY_ID_MS = 7 * 86_400_000;
const CLOCK_AHEAD_MS = 86_400_000;

/** The conditions of a selection on `flow_run r` but for its states. Only what is asked stands in them, so that it can drive an index. */
export function runMatches(
  tx: Tx,
  { filter }: Pick<RunSelection, "filter">,
  flowId: string | null = null,
): Prisma.Sql {
  const { flowName, deploymentName, poolName, createdAfter, createdBefore } = filter;
  const workspace = Prisma.sql`workspace_id = ${tx.workspaceId}::uuid`;
  const conditions = [Prisma.sql`(r.${workspace}) is true`];
  const require = (condition: Prisma.Sql): void => void conditions.push(condition);
  if (flowId !== null) require(Prisma.sql`r.flow_id = ${flowId}::uuid`);
  else if (flowName !== undefined)
    require(
      Prisma.sql`r.flow_id = (select id from flow where ${workspace} and name = ${flowName}::text)`,
    );
  if (deploymentName !== undefined)
    require(
      Prisma.sql`r.deployment_id in (select id from deployment where ${workspace} and name = ${deploymentName}::text)`,
    );
  if (poolName !== undefined)
    require(
      Prisma.sql`r.pool_id = (select id from work_pool where ${workspace} and name = ${poolName}::text)`,
    );
  if (createdAfter !== undefined) require(Prisma.sql`r.created_at >= ${createdAfter}::timestamptz`);
  if (createdBefore !== undefined)
    require(Prisma.sql`r.created_at < ${createdBefore}::timestamptz`);
  return Prisma.join(conditions, " and ");
}

/** Whether `flow_run r` is of the workspace and in the range of a selection. */
export function isOfAll(tx: Tx, selection: Pick<RunSelection, "filter" | "cursor">): Prisma.Sql {
  return Prisma.sql`r.workspace_id = ${tx.workspaceId}::uuid and ${isInRange(Prisma.sql`r.id`, selection)}`;
}

/**
 * Whether `flow_run r` is one of those whose ids tell another time than they were made at, and for that reason outside {@link idRange}.
 * Undefined: no time is asked.
 */
export function isStray(
  tx: Tx,
  selection: Pick<RunSelection, "filter" | "cursor">,
): Prisma.Sql | undefined {
  const { createdAfter, createdBefore } = selection.filter;
  if (createdAfter === undefined && createdBefore === undefined) return undefined;
  const { from, below } = rangeOf(selection, { earlyMs: EARLY_ID_MS, aheadMs: CLOCK_AHEAD_MS });
  const near = idRange(selection);
  return Prisma.sql`r.workspace_id = ${tx.workspaceId}::uuid and r.stray_id and r.id >= ${from} and r.id < ${below}
    and (r.id < ${near.from} or r.id >= ${near.below})`;
}

/** The ids that a selection's runs have, but for strays, by its cursor and by the times in ids. */
export function idRange(selection: Pick<RunSelection, "filter" | "cursor">): IdRange {
  return rangeOf(selection, { earlyMs: STRAY_ID_MS, aheadMs: STRAY_ID_MS });
}

export function isInRange(
  id: Prisma.Sql,
  selection: Pick<RunSelection, "filter" | "cursor">,
): Prisma.Sql {
  const { from, below } = idRange(selection);
  return Prisma.sql`${id} >= ${from} and ${id} < ${below}`;
}

type IdRange = { readonly from: Prisma.Sql; readonly below: Prisma.Sql };

function rangeOf(
  { cursor, filter: { createdAfter, createdBefore } }: Pick<RunSelection, "filter" | "cursor">,
  { earlyMs, aheadMs }: { readonly earlyMs: number; readonly aheadMs: number },
): IdRange {
  const at = (time: Date): Prisma.Sql => Prisma.sql`run_id_at(${time}::timestamptz)`;
  const cursorId = Prisma.sql`${idCursor(cursor) ?? HIGHEST_ID}::uuid`;
  return {
    from:
      createdAfter === undefined
        ? Prisma.sql`${LOWEST_ID}::uuid`
        : at(shifted(createdAfter, -earlyMs)),
    below:
      createdBefore === undefined
        ? cursorId
        : Prisma.sql`least(${cursorId}, ${at(shifted(createdBefore, aheadMs))})`,
  };
}

// Ids tell no time before 1970.
function shifted(instant: string, byMs: number): Date {
  return new Date(Math.max(0, Date.parse(instant) + byMs));
}
