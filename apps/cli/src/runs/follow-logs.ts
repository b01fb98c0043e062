import type { Client } from "@downbeat/client";
import { LogLine } from "@downbeat/contract";
import type { Opener } from "@downbeat/seal";
import { z } from "zod";

const WAIT_SECONDS = 15;
const Lines = z.array(LogLine);

export type LogOptions = {
  readonly signal: AbortSignal;
  /** Goes on until the run is over; otherwise ends with what is stored now. */
  readonly follow: boolean;
  readonly onLine: (line: LogLine) => void;
  /** A stretch of the log that never arrived, in words. */
  readonly onGap: (words: string) => void;
};

/** Fetches a run's sealed log, opens it here, and hands over its lines in order. */
export async function followLogs(
  client: Client,
  runId: string,
  opener: Opener,
  options: LogOptions,
): Promise<void> {
  let after: string | undefined;
  let last: Place | undefined;
  for (;;) {
    const query = {
      limit: 200,
      waitSeconds: options.follow ? WAIT_SECONDS : 0,
      ...(after !== undefined && { after }),
    };
    const page = await client.call(
      "listLogChunks",
      { params: { runId }, query },
      { signal: options.signal },
    );
    opener.addDataKeys(page.dataKeys);
    for (const item of page.items) {
      const gap = gapBefore(last, item);
      if (gap !== undefined) options.onGap(gap);
      last = item;
      const expected = { kind: "log", run: runId, epoch: item.epoch, seq: item.sequence } as const;
      Lines.parse(await opener.open(item.chunk, expected)).forEach(options.onLine);
    }
    after = page.nextAfter ?? after;
    if (page.items.length === 0 && (page.complete || !options.follow)) return;
  }
}

type Place = { readonly epoch: number; readonly sequence: number };

/** Chunks are numbered without gaps within an attempt, so a missing number is a missing piece of log. */
export function gapBefore(last: Place | undefined, next: Place): string | undefined {
  const expected = last?.epoch === next.epoch ? last.sequence + 1 : 0;
  const missing = next.sequence - expected;
  if (missing <= 0) return undefined;
  return `${missing === 1 ? "a piece" : `${missing} pieces`} of this log did not arrive (attempt ${next.epoch}, before piece ${next.sequence})`;
}
