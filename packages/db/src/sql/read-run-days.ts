import type { RunDay } from "@downbeat/contract";
import type { Tx } from "../transaction.ts";

export type RunDaysQuery = {
  /** Days as `2026-11-23`; both count. */
  readonly from: string;
  readonly to: string;
  readonly flowName?: string | undefined;
  readonly deploymentName?: string | undefined;
};

type Row = {
  day: string;
  completed: number;
  failed: number;
  crashed: number;
  cancelled: number;
  running_ms: number;
};

/**
 * How many runs that have ended were made on each day of a range, and how they ended: every day of it, in order. From what
 * is counted as runs end, so it takes the same time however many there are.
 *
 * Locks: none. Indexes: run_day_pkey, run_tally_pkey.
 */
export async function readRunDays(tx: Tx, query: RunDaysQuery): Promise<RunDay[]> {
  const { from, to, flowName = null, deploymentName = null } = query;
  const rows = await tx.prisma.$queryRaw<Row[]>`/* prepared */
    with counted as (
      select day, flow_id, deployment_id, state_type, runs, running_ms
      from run_day
      where (workspace_id = ${tx.workspaceId}::uuid) is true and day between ${from}::date and ${to}::date
      union all
      -- What the engine has not added up yet.
      select day, flow_id, deployment_id, state_type, runs, running_ms
      from run_tally
      where (workspace_id = ${tx.workspaceId}::uuid) is true and day between ${from}::date and ${to}::date
    ),
    asked as (
      select * from counted
      where (${flowName}::text is null or flow_id in (
          select id from flow where workspace_id = ${tx.workspaceId}::uuid and name = ${flowName}::text))
        and (${deploymentName}::text is null or deployment_id in (
          select id from deployment where workspace_id = ${tx.workspaceId}::uuid and name = ${deploymentName}::text))
    )
    select to_char(days.day, 'YYYY-MM-DD') as day,
      coalesce(sum(runs) filter (where state_type = 'COMPLETED'), 0)::float8 as completed,
      coalesce(sum(runs) filter (where state_type = 'FAILED'), 0)::float8 as failed,
      coalesce(sum(runs) filter (where state_type = 'CRASHED'), 0)::float8 as crashed,
      coalesce(sum(runs) filter (where state_type = 'CANCELLED'), 0)::float8 as cancelled,
      coalesce(sum(running_ms), 0)::float8 as running_ms
    from generate_series(${from}::date, ${to}::date, interval '1 day') as days (day)
    left join asked on asked.day = days.day
    group by days.day
    order by days.day`;
  return rows.map(toRunDay);
}

function toRunDay({ day, completed, failed, crashed, cancelled, running_ms }: Row): RunDay {
  return {
    day,
    runs: { COMPLETED: completed, FAILED: failed, CRASHED: crashed, CANCELLED: cancelled },
    runningMs: running_ms,
  };
}
