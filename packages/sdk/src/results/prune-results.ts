import { DownbeatError } from "@downbeat/contract/errors";
import type { Pruned, ResultStorage } from "../storage/result-storage.ts";

/** Which kept results are to go. */
export type PruneOptions = {
  /** Those kept longer ago than this, in milliseconds, by the clock of this machine; from 60,000. */
  readonly olderThanMs: number;
  /** Only results of runs, or only cached values. Default: both. */
  readonly part?: "runs" | "cache";
  /** Deletes nothing, and says what would be deleted. Default false. */
  readonly dryRun?: boolean;
};

const LEAST_AGE_MS = 60_000;

/**
 * Deletes results and cached values that are old; nothing else does. A run that would have used one again makes it
 * again. May run beside everything that keeps and reads results; call it from a flow of its own, once a day.
 *
 * @example
 * await pruneResults(directoryStorage(".downbeat/results"), { olderThanMs: 30 * 86_400_000 });
 * @returns how many were deleted, or would be, and how many bytes they took
 * @throws DownbeatError `definition_invalid` for a younger age, and for a storage of your own without `prune` (with
 *   `dryRun`: `prunable`); what the storage throws
 */
export async function pruneResults(
  storage: ResultStorage,
  { olderThanMs, part, dryRun = false }: PruneOptions,
): Promise<Pruned> {
  // Younger ones may be being written.
  if (!(olderThanMs >= LEAST_AGE_MS))
    throw invalid(`olderThanMs is ${olderThanMs}; it takes a number from ${LEAST_AGE_MS}`);
  const method = dryRun ? "prunable" : "prune";
  if (storage[method] === undefined) throw invalid(`this storage has no method ${method}`);
  const total = { count: 0, bytes: 0 };
  for (const one of part === undefined ? (["runs", "cache"] as const) : [part]) {
    const { count, bytes } = await storage[method](one, olderThanMs);
    total.count += count;
    total.bytes += bytes;
  }
  return total;
}

function invalid(what: string): DownbeatError {
  return new DownbeatError("definition_invalid", { message: `pruneResults(): ${what}` });
}
