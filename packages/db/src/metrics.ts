import type { Metric } from "@downbeat/contract";
import type { Page, PageQuery } from "./page.ts";
import type { Tx } from "./transaction.ts";

/** A page of a run's public numbers, by name. */
export async function listMetrics(
  tx: Tx,
  { runId, cursor, limit }: PageQuery & { readonly runId: string },
): Promise<Page<Metric>> {
  const rows = await tx.prisma.metric.findMany({
    where: {
      runId,
      workspaceId: tx.workspaceId,
      ...(cursor !== undefined && { name: { gt: cursor } }),
    },
    orderBy: { name: "asc" },
    take: limit + 1,
  });
  const items = rows.slice(0, limit).map((row): Metric => ({
    runId: row.runId,
    name: row.name,
    value: row.value,
    epoch: row.epoch,
    updatedAt: row.updatedAt.toISOString(),
  }));
  return { items, nextCursor: rows.length > limit ? (items.at(-1)?.name ?? null) : null };
}
