import type { WorkPool } from "@downbeat/contract";
import { uuidv7 } from "uuidv7";
import { newestFirst, toPage, type Page, type PageQuery } from "./page.ts";
import { countPoolActivity, type PoolActivity } from "./sql/count-pool-activity.ts";
import { setQueuePriority } from "./sql/set-queue-priority.ts";
import type { Tx } from "./transaction.ts";

const withQueues = {
  queues: {
    orderBy: [{ priority: "asc" as const }, { name: "asc" as const }],
    select: { id: true, name: true, priority: true, paused: true, concurrencyLimit: true },
  },
};

type Row = {
  id: string;
  name: string;
  paused: boolean;
  concurrencyLimit: number | null;
  createdAt: Date;
  queues: WorkPool["queues"];
};

/** Makes a pool with its queue `default`. A pool of this name is returned as it stands. */
export async function createPool(
  tx: Tx,
  { name, concurrencyLimit = null }: { name: string; concurrencyLimit?: number | null },
): Promise<WorkPool> {
  const pool = await tx.prisma.workPool.upsert({
    where: { workspaceId_name: { workspaceId: tx.workspaceId, name } },
    create: { id: uuidv7(), workspaceId: tx.workspaceId, name, concurrencyLimit },
    update: {},
    select: { id: true },
  });
  await tx.prisma.workQueue.upsert({
    where: { poolId_name: { poolId: pool.id, name: "default" } },
    create: { id: uuidv7(), workspaceId: tx.workspaceId, poolId: pool.id, name: "default" },
    update: {},
  });
  return requirePool(tx, name);
}

export async function listPools(tx: Tx, query: PageQuery): Promise<Page<WorkPool>> {
  const page = newestFirst(query);
  const rows = await tx.prisma.workPool.findMany({
    ...page,
    where: { ...page.where, workspaceId: tx.workspaceId },
    include: withQueues,
  });
  const activity = await countPoolActivity(
    tx,
    rows.map(({ id }) => id),
  );
  return toPage(rows, query, (row) => toPool(row, activity.get(row.id)));
}

export async function readPoolByName(tx: Tx, name: string): Promise<WorkPool | undefined> {
  const row = await tx.prisma.workPool.findFirst({
    where: { workspaceId: tx.workspaceId, name },
    include: withQueues,
  });
  if (row === null) return undefined;
  return toPool(row, (await countPoolActivity(tx, [row.id])).get(row.id));
}

/** Pauses, resumes or limits a pool; undefined when there is none of this name. */
export async function updatePool(
  tx: Tx,
  change: {
    name: string;
    paused?: boolean | undefined;
    concurrencyLimit?: number | null | undefined;
  },
): Promise<WorkPool | undefined> {
  await tx.prisma.workPool.updateMany({
    where: { workspaceId: tx.workspaceId, name: change.name },
    data: {
      ...(change.paused === undefined ? {} : { paused: change.paused }),
      ...(change.concurrencyLimit === undefined
        ? {}
        : { concurrencyLimit: change.concurrencyLimit }),
    },
  });
  return readPoolByName(tx, change.name);
}

/** Makes a queue, or changes its priority, pause and limit; runs that wait in it move with it. Undefined: no such pool. */
export async function upsertQueue(
  tx: Tx,
  queue: {
    poolName: string;
    name: string;
    priority: number;
    paused?: boolean | undefined;
    concurrencyLimit?: number | null | undefined;
  },
): Promise<WorkPool | undefined> {
  const pool = await tx.prisma.workPool.findFirst({
    where: { workspaceId: tx.workspaceId, name: queue.poolName },
  });
  if (pool === null) return undefined;
  const standing = {
    priority: queue.priority,
    ...(queue.paused === undefined ? {} : { paused: queue.paused }),
    ...(queue.concurrencyLimit === undefined ? {} : { concurrencyLimit: queue.concurrencyLimit }),
  };
  const row = await tx.prisma.workQueue.upsert({
    where: { poolId_name: { poolId: pool.id, name: queue.name } },
    create: {
      id: uuidv7(),
      workspaceId: tx.workspaceId,
      poolId: pool.id,
      name: queue.name,
      ...standing,
    },
    update: standing,
  });
  await setQueuePriority(tx, { queueId: row.id, priority: row.priority });
  return requirePool(tx, queue.poolName);
}

async function requirePool(tx: Tx, name: string): Promise<WorkPool> {
  const pool = await readPoolByName(tx, name);
  if (pool === undefined) throw new Error(`The work pool "${name}" vanished while it was written.`);
  return pool;
}

function toPool(row: Row, activity: PoolActivity | undefined): WorkPool {
  return {
    id: row.id,
    name: row.name,
    paused: row.paused,
    concurrencyLimit: row.concurrencyLimit,
    queues: row.queues.map(({ id, name, priority, paused, concurrencyLimit }) => ({
      id,
      name,
      priority,
      paused,
      concurrencyLimit,
    })),
    onlineAgents: activity?.onlineAgents ?? 0,
    createdAt: row.createdAt.toISOString(),
  };
}
