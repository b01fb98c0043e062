/** A partition of one of the tables that hold run data. Its runs were made from `startsAt` on and before `endsAt`. */
export type RunPartition = {
  readonly table: string;
  readonly name: string;
  /** Null: everything older that has no other partition. */
  readonly startsAt: Date | null;
  /** Null: everything newer that has no other partition. */
  readonly endsAt: Date | null;
  readonly isEmpty: boolean;
};

export type Retention = {
  readonly now: Date;
  /** How long runs are kept, counted from when they were made; 0: for ever. */
  readonly retentionDays: number;
};

export type RetentionPlan<P extends RunPartition> = {
  /** Runs made before are no longer kept. */
  readonly keptSince: Date;
  /** Partitions to make, oldest first. */
  readonly add: readonly { readonly table: string; readonly endsAt: Date }[];
  /** Full partitions whose time has passed. `flow_run` comes first: a run that is gone there is gone. */
  readonly empty: readonly P[];
  /** Empty partitions whose time has passed and before which there is nothing any more; oldest first. */
  readonly drop: readonly P[];
};

const DAY_MS = 86_400_000;
/** How far ahead there are partitions, so that an engine may be away for a while. */
const AHEAD_DAYS = 3;
/** About so many partitions hold what is kept, however long that is: each costs every statement a little. */
const PARTITIONS_KEPT = 10;
const LONGEST_DAYS = 30;

/**
 * What is to be done about the partitions of run data.
 *
 * @example
 * // 90 days: partitions of 9 days, so at most 99 days are on disk
 * planRetention(partitions, { now: new Date(), retentionDays: 90 });
 */
export function planRetention<P extends RunPartition>(
  partitions: readonly P[],
  { now, retentionDays }: Retention,
): RetentionPlan<P> {
  const days = partitionDays(retentionDays);
  const keptSinceMs = retentionDays === 0 ? 0 : now.getTime() - retentionDays * DAY_MS;
  const past = partitions
    .filter(({ endsAt }) => endsAt !== null && endsAt.getTime() <= keptSinceMs)
    .toSorted((a, b) => timeOf(a.startsAt) - timeOf(b.startsAt));
  return {
    keptSince: new Date(keptSinceMs),
    add: partitions.flatMap(({ table, startsAt, endsAt }) =>
      endsAt === null && startsAt !== null ? missing(table, { startsAt, now, days }) : [],
    ),
    empty: past.filter(({ isEmpty }) => !isEmpty).toSorted((a, b) => order(a) - order(b)),
    drop: past.filter((one) => one.startsAt !== null && isLowest(one, past)),
  };
}

function isLowest(partition: RunPartition, past: readonly RunPartition[]): boolean {
  return past
    .filter(
      ({ table, startsAt }) =>
        table === partition.table && timeOf(startsAt) <= timeOf(partition.startsAt),
    )
    .every(({ isEmpty }) => isEmpty);
}

/** How many days a partition spans: a tenth of what is kept. */
export function partitionDays(retentionDays: number): number {
  if (retentionDays === 0) return LONGEST_DAYS;
  return Math.min(LONGEST_DAYS, Math.ceil(retentionDays / PARTITIONS_KEPT));
}

type Missing = { readonly startsAt: Date; readonly now: Date; readonly days: number };

function missing(
  table: string,
  { startsAt, now, days }: Missing,
): { table: string; endsAt: Date }[] {
  const add: { table: string; endsAt: Date }[] = [];
  const coveredMs = now.getTime() + AHEAD_DAYS * DAY_MS;
  for (let endsMs = startsAt.getTime(); endsMs < coveredMs;) {
    endsMs += days * DAY_MS;
    add.push({ table, endsAt: new Date(endsMs) });
  }
  return add;
}

function timeOf(startsAt: Date | null): number {
  return startsAt?.getTime() ?? 0;
}

function order({ table }: RunPartition): number {
  return table === "flow_run" ? 0 : 1;
}
