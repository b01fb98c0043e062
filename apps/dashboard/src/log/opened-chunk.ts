import { LogLine, type LogChunk } from "@downbeat/contract";
import type { Opener } from "@downbeat/seal";
import { z } from "zod";
import { type SealFailure, sealFailureOf } from "../sealed/seal-failure.ts";

export type OpenedChunk =
  | { readonly lines: readonly LogLine[]; readonly failure?: undefined }
  | { readonly lines?: undefined; readonly failure: SealFailure };

const LogLines = z.array(LogLine);

/** Opens a chunk as the one it claims to be: of this run, attempt and place. Never throws: a failure is shown in its place. */
export async function openChunk(opener: Opener, chunk: LogChunk): Promise<OpenedChunk> {
  const { runId, epoch, sequence } = chunk;
  const context = { kind: "log", run: runId, epoch, seq: sequence } as const;
  try {
    const lines = LogLines.safeParse(await opener.open(chunk.chunk, context));
    if (lines.success) return { lines: lines.data };
    const detail = "It opened, but it does not hold log lines as this version writes them.";
    return { failure: { title: "cannot be read", detail } };
  } catch (error) {
    return { failure: sealFailureOf(error) };
  }
}
