import { LogLine, LogManifest, type LogChunk, type LogManifestPart } from "@downbeat/contract";
import type { Opener } from "../open.ts";
import { type SealFailure, sealFailureOf } from "./seal-failure.ts";

export type OpenedChunk =
  | { readonly lines: readonly LogLine[]; readonly failure?: undefined }
  | { readonly lines?: undefined; readonly failure: SealFailure };

export type OpenedManifest = Pick<LogManifestPart, "epoch" | "part"> &
  (
    | { readonly manifest: LogManifest; readonly failure?: undefined }
    | { readonly manifest?: undefined; readonly failure: SealFailure }
  );

const LogLines = LogLine.array();

const EMPTY: LogManifest = { from: 0, tags: [], linesLeftOut: 0, end: true };

const UNREADABLE: SealFailure = {
  title: "cannot be read",
  detail: "It opened, but it does not hold what this version writes there.",
};

/**
 * Opens a chunk as the one that it must be: of the run asked about, and of the attempt and place it is listed under. Never
 * throws: a failure is shown in its place.
 */
export async function openLogChunk(
  opener: Opener,
  runId: string,
  { epoch, sequence, chunk }: Pick<LogChunk, "epoch" | "sequence" | "chunk">,
): Promise<OpenedChunk> {
  try {
    const content = await opener.open(chunk, { kind: "log", run: runId, epoch, seq: sequence });
    const lines = LogLines.safeParse(content);
    return lines.success ? { lines: lines.data } : { failure: UNREADABLE };
  } catch (error) {
    return { failure: sealFailureOf(error) };
  }
}

/** Opens a part of a log manifest, or checks the tag that stands for that of an empty log, as {@link openLogChunk} does a chunk. */
export async function openLogManifest(
  opener: Opener,
  runId: string,
  { epoch, part, manifest: blob, emptyLog }: LogManifestPart,
): Promise<OpenedManifest> {
  const place = { epoch, part };
  try {
    if (emptyLog !== undefined) {
      await opener.checkEmptyLog(emptyLog, { run: runId, epoch });
      return { epoch, part: 0, manifest: EMPTY };
    }
    if (blob === null) return { ...place, failure: UNREADABLE };
    const content = await opener.open(blob, { kind: "log-manifest", run: runId, epoch, seq: part });
    const manifest = LogManifest.safeParse(content);
    return {
      ...place,
      ...(manifest.success ? { manifest: manifest.data } : { failure: UNREADABLE }),
    };
  } catch (error) {
    return { ...place, failure: sealFailureOf(error) };
  }
}
