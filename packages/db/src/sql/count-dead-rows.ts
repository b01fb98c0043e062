import type { EngineTx } from "../transaction.ts";

export type DeadRows = {
  /** Rows of live_run, and what is left there of rows that were changed or deleted: by statistics, about a second old. */
  readonly live: number;
  readonly dead: number;
  /** The transaction that has been open for longest, if the owner may see it. It keeps what died since from vacuum. */
  readonly oldest: OldestTransaction | null;
};

export type OldestTransaction = {
  readonly pid: number;
  readonly applicationName: string;
  /** As in `pg_stat_activity`. */
  readonly state: string;
  readonly ageSeconds: number;
};

type Row = {
  live: number;
  dead: number;
  pid: number | null;
  application_name: string;
  state: string;
  age_seconds: number;
};

/** How many dead rows there are in live_run, and whose transaction may be the cause. Locks: none. Reads statistics alone. */
export async function countDeadRows(tx: EngineTx): Promise<DeadRows> {
  const [row] = await tx.prisma.$queryRaw<[Row]>`
    select pg_stat_get_live_tuples('public.live_run'::regclass)::int as live,
      pg_stat_get_dead_tuples('public.live_run'::regclass)::int as dead,
      o.pid, o.application_name, o.state, o.age_seconds
    from (select) as once left join oldest_transaction() as o on true`;
  const { live, dead, pid, application_name: applicationName, state, age_seconds } = row;
  const oldest = pid === null ? null : { pid, applicationName, state, ageSeconds: age_seconds };
  return { live, dead, oldest };
}
