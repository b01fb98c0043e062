import { Prisma } from "../generated/client.ts";

/**
 * How far the time in a run's id may lie from when the run was made, before or after, for it to be found by that: farther, it is a stray
 * (`flow_run.stray_id`), and looked for apart. As in 0034_stray_run_ids.
 */
export const STRAY_ID_MS = 60_000;

const slack = Prisma.sql`${`${STRAY_ID_MS} milliseconds`}::interval`;

/** The columns of a term `near`: between which ids that of a run is that is made `at`, a column, unless it is a stray. */
export const nearIds = Prisma.sql`run_id_at(at - ${slack}) as from_id, run_id_at(at + ${slack}) as below_id`;

/** Whether `run_id`, a column, is a stray by the term `near`, which is read once for all rows. */
export const isStrayId = Prisma.sql`(run_id < (select from_id from near) or run_id >= (select below_id from near))`;
