import type { EngineTx } from "../transaction.ts";

const DAY_MS = 86_400_000;

/** Ids of runs: from `fromId` on, below `toId`. */
export type RunIdRange = { readonly fromId: string; readonly toId: string };

/**
 * Writes into `run_day` how many runs of one day ended how: of the day on which the first run of the range was made. Doing
 * so again changes nothing.
 *
 * Returns where the rest of the range begins; null when there is no ended run in it. Locks: the rows it writes.
 * Indexes: ended_run_pkey, flow_run_pkey, side by side.
 */
export async function countRunDay(
  tx: EngineTx,
  { fromId, toId }: RunIdRange,
): Promise<string | null> {
  const [first] = await tx.prisma.$queryRaw<{ day: Date; from_id: string; next_id: string }[]>`
    select day, run_id_at(day) as from_id, run_id_at(day + ${`${DAY_MS} milliseconds`}::interval) as next_id
    from (
      select date_trunc('day', run_id_time(run_id)) as day from ended_run
      where run_id >= ${fromId}::uuid and run_id < ${toId}::uuid
      order by run_id limit 1
    ) as first`;
  if (first === undefined) return null;
  // However many there are: nobody waits for this.
  await tx.prisma.$queryRaw`select set_config('statement_timeout', '0', true)`;
  await tx.prisma.$executeRaw`
    insert into run_day (workspace_id, day, flow_id, deployment_id, state_type, runs, running_ms)
    select e.workspace_id, ${first.day}::timestamptz::date, r.flow_id,
      coalesce(r.deployment_id, '00000000-0000-0000-0000-000000000000'), e.state_type, count(*),
      coalesce(sum(extract(epoch from e.state_at - e.started_at) * 1000), 0)::bigint
    from ended_run e
    join flow_run r on r.id = e.run_id and r.id >= ${first.from_id}::uuid and r.id < ${first.next_id}::uuid
    where e.run_id >= ${first.from_id}::uuid and e.run_id < ${first.next_id}::uuid
    group by 1, 2, 3, 4, 5
    on conflict (workspace_id, day, flow_id, deployment_id, state_type)
    do update set runs = excluded.runs, running_ms = excluded.running_ms`;
  return first.next_id;
}
