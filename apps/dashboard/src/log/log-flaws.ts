import { chunkTag, findLogFlaws, type LogFlaw, type OpenedManifest } from "@downbeat/seal/log";
import type { LogSlot } from "./log-book.ts";

/**
 * What the reader of a log must know about it. Without the opened manifests, as long as the page is locked, that is only
 * which chunks are missing between others.
 *
 * @param complete whether nothing more will come
 */
export function logFlaws(
  slots: readonly LogSlot[],
  manifests: readonly OpenedManifest[] | undefined,
  { complete, lastEpoch }: { complete: boolean; lastEpoch: number },
): LogFlaw[] {
  const flaws = findLogFlaws({
    chunks: slots.map(({ chunk }) => chunkTag(chunk)),
    manifests: manifests ?? [],
    // While the run is live, the list of an attempt that has just ended may not have been read yet.
    lastEpoch: complete ? lastEpoch : 0,
    isOver: complete,
  });
  return manifests === undefined ? flaws.filter(({ kind }) => kind === "missing") : flaws;
}
