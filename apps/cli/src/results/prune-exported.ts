import type { PruneAnswer, PruneExported } from "./prune-request.ts";

type Pruning = (part: string, olderThanMs: number) => Promise<{ count: number; bytes: number }>;

/** Prunes a storage among the exports of a module, of whichever copy of the SDK it was made. */
export async function pruneExported(
  exports: Record<string, unknown>,
  { path, exportName, parts, olderThanMs, dryRun }: PruneExported,
): Promise<PruneAnswer> {
  const storage = exports[exportName] as Record<string, Pruning> | undefined;
  const method = dryRun ? "prunable" : "prune";
  if (typeof storage?.[method] !== "function") {
    const named = Object.keys(exports).join(", ");
    return {
      error: `${path} exports no storage "${exportName}" with the method ${method}; its exports are: ${named}`,
    };
  }
  const total = { count: 0, bytes: 0 };
  for (const part of parts) {
    const { count, bytes } = await storage[method](part, olderThanMs);
    total.count += count;
    total.bytes += bytes;
  }
  return total;
}
