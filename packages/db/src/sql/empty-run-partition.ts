import type { EngineTx } from "../transaction.ts";
import type { StoredRunPartition } from "./list-run-partitions.ts";

/** A run for which a partition keeps its rows past their time, and why. */
export type KeptFor = {
  readonly runId: string;
  readonly because: "it is live" | "it is younger than its id";
};

/**
 * Takes all rows of a partition whose time has passed, unless a run of it is live. Asked under the lock, as a run that
 * ended long ago may be started again at this moment.
 *
 * Returns undefined once it is empty. Locks: the partition, exclusively, for a few milliseconds; it gives up after 200 ms
 * (SQLSTATE 55P03). Index: live_run_pkey.
 */
export async function emptyRunPartition(
  tx: EngineTx,
  partition: StoredRunPartition,
): Promise<KeptFor | undefined> {
  await tx.prisma.$queryRaw`select lock_run_partition(${partition.name}::text)::text`;
  const kept = await findLive(tx, partition);
  if (kept !== undefined) return kept;
  await tx.prisma.$queryRaw`select empty_run_partition(${partition.name}::text)::text`;
  return undefined;
}

/**
 * A run for which the partition must keep its rows, if there is one: a live one; and where everything older is kept, one
 * made since `keptSince` under an id of a time long past. The latter reads the partition from end to end.
 *
 * Locks: none. Index: live_run_pkey.
 */
export async function findKept(
  tx: EngineTx,
  partition: StoredRunPartition,
  keptSince: Date,
): Promise<KeptFor | undefined> {
  const live = await findLive(tx, partition);
  if (live !== undefined || partition.startsAt !== null) return live;
  const [young] = await tx.prisma.$queryRaw<{ id: string }[]>`
    select id from flow_run
    where id < ${partition.toId}::uuid and created_at >= ${keptSince}::timestamptz limit 1`;
  return young && { runId: young.id, because: "it is younger than its id" };
}

async function findLive(
  tx: EngineTx,
  { fromId, toId }: StoredRunPartition,
): Promise<KeptFor | undefined> {
  const [live] = await tx.prisma.$queryRaw<{ run_id: string }[]>`
    select run_id from live_run
    where run_id >= ${fromId}::uuid and run_id < ${toId}::uuid order by run_id limit 1`;
  return live && { runId: live.run_id, because: "it is live" };
}
