import type { LogManifestPart, WrappedDataKey } from "@downbeat/contract";
import { useEffect, useState } from "react";
import { useCaller } from "../api/caller-context.ts";
import { followLog } from "./follow-log.ts";
import { LogBook, type LogSlot } from "./log-book.ts";
import { waitWhileVisible } from "./wait-while-visible.ts";

export type LogSlots = {
  readonly slots: readonly LogSlot[];
  readonly manifests: readonly LogManifestPart[];
  readonly dataKeys: readonly WrappedDataKey[];
  /** Lines in all chunks read so far, as their senders counted them; needs no key. */
  readonly lineCount: number;
  readonly complete: boolean;
  readonly error: unknown;
};

const NOTHING: LogSlots = {
  slots: [],
  manifests: [],
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
      readManifests: (after) =>
        caller.call("listLogManifests", { params: { runId }, query: { after } }, { signal }),
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
  const read = { slots: book.slots(), manifests: book.manifests() };
  if (isSame(read.slots, before.slots) && read.manifests.length === before.manifests.length)
    return { ...before, complete, error };
  const lineCount = read.slots.reduce((sum, { chunk }) => sum + chunk.lineCount, 0);
  return { ...read, dataKeys: book.dataKeys(), lineCount, complete, error };
}

function isSame(slots: readonly LogSlot[], before: readonly LogSlot[]): boolean {
  return slots.length === before.length && slots.every(({ key }, at) => key === before[at]?.key);
}
