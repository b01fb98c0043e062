import type { WrappedDataKey } from "@downbeat/contract";
import { useEffect, useState } from "react";
import { useCaller } from "../api/caller-context.ts";
import { followLog } from "./follow-log.ts";
import { LogBook, type LogSlot } from "./log-book.ts";
import { waitWhileVisible } from "./wait-while-visible.ts";

export type LogSlots = {
  readonly slots: readonly LogSlot[];
  readonly dataKeys: readonly WrappedDataKey[];
  /** Lines in all chunks read so far, as their senders counted them; needs no key. */
  readonly lineCount: number;
  readonly complete: boolean;
  readonly error: unknown;
};

const NOTHING: LogSlots = {
  slots: [],
  dataKeys: [],
  lineCount: 0,
  complete: false,
  error: undefined,
};

const CHUNKS_PER_PAGE = 200;

/** Follows a run's log for as long as the component stands. */
export function useLogSlots(runId: string): LogSlots {
  const caller = useCaller();
  const [log, setLog] = useState<LogSlots>(NOTHING);
  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    const book = new LogBook();
    void followLog({
      book,
      signal,
      wait: (ms) => waitWhileVisible(ms, signal),
      readPage: (after) =>
        caller.call(
          "listLogChunks",
          { params: { runId }, query: { after, limit: CHUNKS_PER_PAGE } },
          { signal },
        ),
      onChange: (news) => setLog((before) => describe(book, before, news)),
    });
    return () => controller.abort();
  }, [caller, runId]);
  return log;
}

/** The slots stay the same object while nothing is new, so that nothing is computed anew. */
function describe(
  book: LogBook,
  before: LogSlots,
  { complete, error }: { complete: boolean; error: unknown },
): LogSlots {
  const slots = book.slots();
  if (slots.length === before.slots.length) {
    const unchanged = slots.every(({ key }, index) => key === before.slots[index]?.key);
    if (unchanged) return { ...before, complete, error };
  }
  const lineCount = slots.reduce(
    (sum, slot) => sum + (slot.kind === "chunk" ? slot.chunk.lineCount : 0),
    0,
  );
  return { slots, dataKeys: book.dataKeys(), lineCount, complete, error };
}
