import { DownbeatError, type Limit, type LimitSpec } from "@downbeat/contract";
import { uuidv7 } from "uuidv7";
import { newestFirst, toPage, type Page, type PageQuery } from "./page.ts";
import type { Tx } from "./transaction.ts";

type Row = {
  id: string;
  name: string;
  slots: number;
  ratePerSecond: number | null;
  burst: number | null;
  tag: string | null;
  createdAt: Date;
  updatedAt: Date;
  _count: { taken: number };
};

const withTaken = { _count: { select: { taken: true } } };

/** Named limits, newest first, each with how many of its slots are taken. */
export async function listLimits(tx: Tx, query: PageQuery): Promise<Page<Limit>> {
  const page = newestFirst(query);
  const rows = await tx.prisma.concurrencyLimit.findMany({
    ...page,
    where: { ...page.where, workspaceId: tx.workspaceId },
    include: withTaken,
  });
  return toPage(rows, query, toLimit);
}

/** @throws DownbeatError `limit_not_found` */
export async function readLimit(tx: Tx, name: string): Promise<Limit> {
  const row = await tx.prisma.concurrencyLimit.findFirst({
    where: { workspaceId: tx.workspaceId, name },
    include: withTaken,
  });
  if (row === null) throw limitNotFound([name]);
  return toLimit(row);
}

/** Makes or changes a limit. Slots taken already stay taken, even if there are fewer now; a changed rate starts with a full bucket. */
export async function setLimit(
  tx: Tx,
  { name, slots, rate, tag }: LimitSpec & { name: string },
): Promise<Limit> {
  const standing = {
    slots,
    ratePerSecond: rate?.perSecond ?? null,
    burst: rate?.burst ?? null,
    tag,
    tokens: null,
    tokensAt: null,
    updatedAt: new Date(),
  };
  await tx.prisma.concurrencyLimit.upsert({
    where: { workspaceId_name: { workspaceId: tx.workspaceId, name } },
    create: { id: uuidv7(), workspaceId: tx.workspaceId, name, ...standing },
    update: standing,
  });
  return readLimit(tx, name);
}

/** @throws DownbeatError `limit_not_found`; `conflict` while a deployment lists it. */
export async function removeLimit(tx: Tx, name: string): Promise<Limit> {
  const limit = await readLimit(tx, name);
  const user = await tx.prisma.deployment.findFirst({
    where: { workspaceId: tx.workspaceId, limitNames: { has: name } },
    select: { name: true, flow: { select: { name: true } } },
  });
  if (user !== null) {
    throw new DownbeatError("conflict", {
      message: `The limit "${name}" is in use: the deployment "${user.flow.name}/${user.name}" lists it. Change that first.`,
    });
  }
  await tx.prisma.concurrencyLimit.deleteMany({ where: { workspaceId: tx.workspaceId, name } });
  return limit;
}

/** @throws DownbeatError `limit_not_found` naming those that do not exist. */
export async function requireLimits(tx: Tx, names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  const rows = await tx.prisma.concurrencyLimit.findMany({
    where: { workspaceId: tx.workspaceId, name: { in: [...names] } },
    select: { name: true },
  });
  const missing = names.filter((name) => !rows.some((row) => row.name === name));
  if (missing.length > 0) throw limitNotFound(missing);
}

function limitNotFound(names: readonly string[]): DownbeatError {
  const message = `No limit ${names.map((name) => `"${name}"`).join(", ")} exists in this workspace.`;
  return new DownbeatError("limit_not_found", { message });
}

function toLimit(row: Row): Limit {
  const { ratePerSecond, burst } = row;
  return {
    id: row.id,
    name: row.name,
    slots: row.slots,
    rate: ratePerSecond === null || burst === null ? null : { perSecond: ratePerSecond, burst },
    tag: row.tag,
    taken: row._count.taken,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  };
}
