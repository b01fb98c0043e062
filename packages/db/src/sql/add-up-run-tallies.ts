import type { EngineTx } from "../transaction.ts";

/**
 * Adds what the statements that ended runs have left in run_tally to run_day, at most so many rows of it.
 *
 * Returns how many rows it took. Locks: those rows, skipping what another process takes; then the run_day rows, in order
 * of their key. Indexes: run_tally_pkey, run_day_pkey.
 */
export function addUpRunTallies(tx: EngineTx, limit: number): Promise<number> {
  return tx.prisma.$queryRaw<[{ taken: number }]>`/* prepared */
    with next as materialized (
      select workspace_id, id from run_tally order by workspace_id, id limit ${limit}::int for update skip locked
    ),
    taken as (
      delete from run_tally t using next
      where t.workspace_id = next.workspace_id and t.id = next.id
      returning t.*
    ),
    added as (
      insert into run_day (workspace_id, day, flow_id, deployment_id, state_type, runs, running_ms)
      select workspace_id, day, flow_id, deployment_id, state_type, sum(runs), sum(running_ms)
      from taken
      group by 1, 2, 3, 4, 5
      order by 1, 2, 3, 4, 5
      on conflict (workspace_id, day, flow_id, deployment_id, state_type)
      do update set runs = run_day.runs + excluded.runs, running_ms = run_day.running_ms + excluded.running_ms
    )
    select count(*)::int as taken from taken`.then(([row]) => row.taken);
}
