import { DownbeatError } from "@downbeat/contract/errors";
import type { Pruned, ResultStorage } from "../storage/result-storage.ts";

/** Which kept results are to go. */
export type PruneOptions = {
  /** Those kept longer ago than this, in milliseconds, by the clock of this machine; from 60,000. */
  readonly olderThanMs: number;
  /** Only results of runs, or only cached values. Default: both. */
  readonly part?: "runs" | "cache";
};

const LEAST_AGE_MS = 60_000;

/**
 * Deletes results and cached values that are old; nothing else does. A run that would have used one again makes it
 * again. May run beside everything that keeps and reads results; call it from a flow of its own, once a day.
 *
 * @example
 * await pruneResults(directoryStorage(".downbeat/results"), { olderThanMs: 30 * 86_400_000 });
 * @returns how many were deleted, and how many bytes they took
 * @throws DownbeatError `definition_invalid` for a younger age, and for a storage of your own without `prune`; what the
 *   storage throws
 */
export async function pruneResults(
  storage: ResultStorage,
  { olderThanMs, part }: PruneOptions,
): Promise<Pruned> {
  // Younger ones may be being written.
  if (!(olderThanMs >= LEAST_AGE_MS))
    throw invalid(`olderThanMs is ${olderThanMs}; it takes a number from ${LEAST_AGE_MS}`);
  if (storage.prune === undefined) throw invalid("this storage has no method prune");
  const total = { count: 0, bytes: 0 };
  for (const one of part === undefined ? (["runs", "cache"] as const) : [part]) {
    const { count, bytes } = await storage.prune(one, olderThanMs);
    total.count += count;
    total.bytes += bytes;
  }
  return total;
}

function invalid(what: string): DownbeatError {
  return new DownbeatError("definition_invalid", { message: `pruneResults(): ${what}` });
}
