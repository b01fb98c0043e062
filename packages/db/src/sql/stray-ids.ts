import { Prisma } from "../generated/client.ts";

/**
 * How far the time in a run's id may lie from when the run was made, before or after, for it to be found by that: farther, it is a stray
 * (`flow_run.stray_id`), and looked for apart. As in 0034_stray_run_ids.
 */
export const STRAY_ID_MS = 60_000;

const slack = Prisma.sql`${`${STRAY_ID_MS} milliseconds`}::interval`;

/** The column of a term `near`: whether none of these runs is a stray if they are made `at`, a column. */
export function areAllNear(runIds: readonly string[]): Prisma.Sql {
  const times = runIds.map(timeOf);
  const [any = 0] = times;
  const first = times.reduce((a, b) => Math.min(a, b), any);
  const last = times.reduce((a, b) => Math.max(a, b), any);
  return Prisma.sql`${first}::bigint >= extract(epoch from at) * 1000 - ${STRAY_ID_MS}::int
      and ${last}::bigint < extract(epoch from at) * 1000 + ${STRAY_ID_MS}::int as are_all`;
}

/** Whether `run_id`, a column beside `at`, is a stray: looked at one by one only if some are, by the term `near`. */
export const isStrayId = Prisma.sql`(not (select are_all from near)
          and (run_id < run_id_at(at - ${slack}) or run_id >= run_id_at(at + ${slack})))`;

/** Milliseconds since 1970, as run_id_time reads them. */
function timeOf(runId: string): number {
  return Number.parseInt(runId.slice(0, 8) + runId.slice(9, 13), 16);
}
