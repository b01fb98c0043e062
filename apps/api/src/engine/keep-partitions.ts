import { planRetention, type RetentionPlan } from "@downbeat/core";
import {
  addRunPartition,
  databaseNow,
  dropRunPartition,
  emptyRunPartition,
  findKept,
  forgetRunKeys,
  listRunPartitions,
  sqlStateOf,
  type EngineTx,
  type KeptFor,
  type StoredRunPartition,
} from "@downbeat/db";
import type { Services } from "../services.ts";

/** Most rows of one kind that one statement deletes. */
const BATCH = 10_000;
/** What a statement fails with that did not get its lock in time. */
const LOCK_NOT_AVAILABLE = "55P03";

type Keeping = {
  readonly config: Pick<Services["config"], "retentionDays">;
  readonly database: Services["database"];
  readonly log: Record<"info" | "warn", (about: object, message: string) => void>;
};
type Plan = RetentionPlan<StoredRunPartition>;

/**
 * Makes the round that makes partitions of run data ahead of time, and takes the rows of those whose time has passed. What needs a
 * lock that is not free is left for the next round; several processes may do the same at once.
 *
 * @param clock for tests; the database's when absent
 */
export function partitionsRound(
  services: Keeping,
  clock?: () => Date,
): (signal: AbortSignal) => Promise<void> {
  const said = new Set<string>();
  return async (signal) => {
    const { now, partitions } = await services.database.asEngine(async (tx) => ({
      now: await databaseNow(tx, clock?.()),
      partitions: await listRunPartitions(tx),
    }));
    const { retentionDays } = services.config;
    const plan = planRetention(partitions, { now, retentionDays });
    await add(services, plan);
    for (const { name, endsAt, isEmpty } of partitions) {
      if (endsAt === null && !isEmpty && isNews(said, name))
        services.log.warn({ partition: name }, "holds runs whose ids are of the far future");
    }
    await emptyAll(services, { plan, said, signal });
    await drop(services, plan);
  };
}

async function add(services: Keeping, { add: missing }: Plan): Promise<void> {
  const busy = new Set<string>();
  for (const one of missing) {
    if (busy.has(one.table)) continue; // the next one would begin at the wrong place
    const name = await unlessBusy(services, one.table, (tx) => addRunPartition(tx, one));
    if (name === undefined) busy.add(one.table);
    else if (name !== null) services.log.info({ partition: name }, "made a partition");
  }
}

type Emptying = {
  readonly plan: Plan;
  readonly said: Set<string>;
  readonly signal: AbortSignal;
};

async function emptyAll(services: Keeping, { plan, said, signal }: Emptying): Promise<void> {
  for (const partition of plan.empty) {
    if (signal.aborted) return;
    const kept =
      (await services.database.asEngine((tx) => findKept(tx, partition, plan.keptSince))) ??
      (await emptyOne(services, partition, signal));
    if (kept !== undefined && isNews(said, partition.name))
      services.log.info({ partition: partition.name, ...kept }, "kept past its time for a run");
  }
}

// What is deleted row by row, or takes long, comes before the lock.
async function emptyOne(
  services: Keeping,
  partition: StoredRunPartition,
  signal: AbortSignal,
): Promise<KeptFor | undefined> {
  if (partition.table === "flow_run") await forgetKeys(services, partition, signal);
  if (signal.aborted) return undefined;
  return unlessBusy(services, partition.name, async (tx) => {
    const kept = await emptyRunPartition(tx, partition);
    if (kept === undefined) services.log.info({ partition: partition.name }, "emptied a partition");
    return kept;
  });
}

async function forgetKeys(
  { database }: Keeping,
  partition: StoredRunPartition,
  signal: AbortSignal,
): Promise<void> {
  let forgotten = BATCH;
  while (forgotten === BATCH && !signal.aborted)
    forgotten = await database.asEngine((tx) => forgetRunKeys(tx, partition, BATCH));
}

// Oldest first: each is dropped into the one before it.
async function drop(services: Keeping, plan: Plan): Promise<void> {
  for (const { name } of plan.drop) {
    const isDropped = await unlessBusy(services, name, (tx) => dropRunPartition(tx, name));
    if (isDropped === true) services.log.info({ partition: name }, "dropped a partition");
  }
}

/** Undefined also when the lock was not to be had. */
async function unlessBusy<T>(
  { database, log }: Keeping,
  name: string,
  work: (tx: EngineTx) => Promise<T>,
): Promise<T | undefined> {
  try {
    return await database.asEngine(work);
  } catch (error) {
    if (sqlStateOf(error) !== LOCK_NOT_AVAILABLE) throw error;
    log.info({ partition: name }, "in use; it is tried again later");
    return undefined;
  }
}

function isNews(said: Set<string>, name: string): boolean {
  const isNew = !said.has(name);
  said.add(name);
  return isNew;
}
