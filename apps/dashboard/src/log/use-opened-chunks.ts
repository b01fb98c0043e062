import type { Opener } from "@downbeat/seal";
import { openLogChunk, type OpenedChunk } from "@downbeat/seal/log";
import { useEffect, useState } from "react";
import type { LogSlot } from "./log-book.ts";
import type { LogSlots } from "./use-log-slots.ts";

type Shelf = {
  readonly opener: Opener | undefined;
  readonly chunks: ReadonlyMap<string, OpenedChunk>;
};

const EMPTY: ReadonlyMap<string, OpenedChunk> = new Map();
/** Opened between two paints; large enough to be quick, small enough for the first lines to show at once. */
const BATCH = 50;

/** The opened chunks by key, more of them from render to render; none while locked, and all are dropped with the opener. */
export function useOpenedChunks(
  runId: string,
  { slots, dataKeys }: Pick<LogSlots, "slots" | "dataKeys">,
  opener: Opener | undefined,
): ReadonlyMap<string, OpenedChunk> {
  const [shelf, setShelf] = useState<Shelf>({ opener, chunks: EMPTY });
  const chunks = shelf.opener === opener ? shelf.chunks : EMPTY;

  // Locked: no plaintext stays behind.
  useEffect(() => () => setShelf({ opener: undefined, chunks: EMPTY }), [opener]);

  useEffect(() => {
    if (opener === undefined) return;
    const next = slots.filter((slot) => !chunks.has(slot.key)).slice(0, BATCH);
    if (next.length === 0) return;
    let wanted = true;
    opener.addDataKeys(dataKeys);
    void openAll(opener, runId, next).then((opened) => {
      if (wanted) setShelf({ opener, chunks: new Map([...chunks, ...opened]) });
    });
    return () => {
      wanted = false;
    };
  }, [runId, opener, slots, dataKeys, chunks]);

  return chunks;
}

function openAll(
  opener: Opener,
  runId: string,
  slots: readonly LogSlot[],
): Promise<[string, OpenedChunk][]> {
  return Promise.all(
    slots.map(async ({ key, chunk }): Promise<[string, OpenedChunk]> => [
      key,
      await openLogChunk(opener, runId, chunk),
    ]),
  );
}
