import type { WrappedDataKey } from "@downbeat/contract";
import type { Tx } from "./transaction.ts";

/** Stores wrapped data keys; one stored before stays as it was. Returns how many were new. */
export async function storeDataKeys(tx: Tx, dataKeys: readonly WrappedDataKey[]): Promise<number> {
  if (dataKeys.length === 0) return 0;
  const { count } = await tx.prisma.dataKey.createMany({
    data: dataKeys.map((key) => ({ ...key, workspaceId: tx.workspaceId })),
    skipDuplicates: true,
  });
  return count;
}

/** Wrapped data keys by id; unknown ids are absent, and so is text that is no id (a blob's header may hold anything). */
export async function readDataKeys(tx: Tx, ids: readonly string[]): Promise<WrappedDataKey[]> {
  const wanted = ids.filter((id) => uuid.test(id));
  if (wanted.length === 0) return [];
  return tx.prisma.dataKey.findMany({
    where: { workspaceId: tx.workspaceId, id: { in: wanted } },
    select: { id: true, wrap: true, wrapTag: true },
  });
}

/** The wrapped data keys after an id, in order of id. */
export async function listDataKeys(
  tx: Tx,
  { after, limit }: { after?: string | undefined; limit: number },
): Promise<{ items: WrappedDataKey[]; nextAfter: string | null }> {
  const rows = await tx.prisma.dataKey.findMany({
    where: { workspaceId: tx.workspaceId, ...(after !== undefined && { id: { gt: after } }) },
    select: { id: true, wrap: true, wrapTag: true },
    orderBy: { id: "asc" },
    take: limit + 1,
  });
  const items = rows.slice(0, limit);
  return { items, nextAfter: rows.length > limit ? (items.at(-1)?.id ?? null) : null };
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
