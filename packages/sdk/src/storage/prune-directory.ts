import { readdir, rm, rmdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { isMissing } from "./file-errors.ts";
import type { Pruned } from "./result-storage.ts";

// Locks and unfinished files carry a dot; one that has not been written to for so long belongs to nobody.
const LONGEST_UNFINISHED_MS = 86_400_000;

/**
 * Deletes files that were last written longer ago than this, and directories that they leave empty.
 *
 * @param options With `dryRun` it only counts.
 */
export async function pruneDirectory(
  path: string,
  olderThanMs: number,
  { dryRun = false } = {},
): Promise<Pruned> {
  const total = { count: 0, bytes: 0 };
  const isOld = (modifiedAtMs: number, ageMs: number): boolean => Date.now() - modifiedAtMs > ageMs;
  const empty = async (directory: string, isLock: boolean): Promise<void> => {
    const entries = await readdir(directory, { withFileTypes: true }).catch(noneIfMissing);
    for (const entry of entries) {
      const inside = join(directory, entry.name);
      const before = await stat(inside).catch(undefinedIfMissing);
      if (before === undefined) continue;
      const isSpecial = isLock || entry.name.includes(".");
      const ageMs = isSpecial ? Math.max(olderThanMs, LONGEST_UNFINISHED_MS) : olderThanMs;
      if (entry.isDirectory()) {
        await empty(inside, isSpecial);
        // One in which something was made lately may be about to get more; one that is not empty refuses.
        if (!dryRun && isOld(before.mtimeMs, ageMs)) await rmdir(inside).catch(() => {});
      } else if (isOld(before.mtimeMs, ageMs)) {
        if (!dryRun) await rm(inside, { force: true });
        if (!isSpecial) {
          total.count += 1;
          total.bytes += before.size;
        }
      }
    }
  };
  await empty(path, false);
  return total;
}

function noneIfMissing(error: unknown): never[] {
  if (isMissing(error)) return [];
  throw error;
}

function undefinedIfMissing(error: unknown): undefined {
  if (isMissing(error)) return undefined;
  throw error;
}
