import { LOG_LEVELS, type LogLine } from "@downbeat/contract";
import type { LogFlaw, OpenedChunk } from "@downbeat/seal/log";
import type { LogSlot } from "./log-book.ts";

export type LogLevel = (typeof LOG_LEVELS)[number];

/** One row of the log view; all rows are equally high. */
export type LogRow =
  | { readonly kind: "line"; readonly key: string; readonly epoch: number; readonly line: LogLine }
  | {
      readonly kind: "sealed";
      readonly key: string;
      readonly blob: string;
      readonly lineCount: number;
    }
  | { readonly kind: "note"; readonly key: string; readonly text: string; readonly detail: string };

export type LogFilter = {
  /** This level and the ones above it. */
  readonly level: LogLevel;
  /** Part of a line's text, in any case. Empty: every line. */
  readonly text: string;
};

type LogRowsInput = {
  readonly slots: readonly LogSlot[];
  readonly opened: ReadonlyMap<string, OpenedChunk>;
  /** In order of attempt and place. */
  readonly flaws: readonly LogFlaw[];
  readonly filter: LogFilter;
};

/** The rows of a log. A filter hides lines, never the note that something is missing or did not open. */
export function logRows({ slots, opened, flaws, filter }: LogRowsInput): LogRow[] {
  const shows = lineFilter(filter);
  const rows: LogRow[] = [];
  let next = 0;
  for (const slot of slots) {
    const { epoch, sequence } = slot.chunk;
    let isForeign = false;
    for (let flaw = flaws[next]; flaw !== undefined; flaw = flaws[(next += 1)]) {
      if ((flaw.epoch - epoch || flaw.at - sequence) > 0) break;
      isForeign ||= flaw.kind === "foreign" && flaw.epoch === epoch && flaw.at === sequence;
      rows.push(flawRow(flaw));
    }
    if (!isForeign) rows.push(...chunkRows(slot, opened.get(slot.key), shows));
  }
  return [...rows, ...flaws.slice(next).map(flawRow)];
}

function chunkRows(
  { key, chunk }: LogSlot,
  content: OpenedChunk | undefined,
  shows: (line: LogLine) => boolean,
): LogRow[] {
  if (content === undefined)
    return [{ kind: "sealed", key, blob: chunk.chunk, lineCount: chunk.lineCount }];
  if (content.failure !== undefined) {
    const { title, detail } = content.failure;
    return [{ kind: "note", key, text: `chunk ${chunk.sequence} ${title}`, detail }];
  }
  return content.lines.flatMap((line, index) =>
    shows(line) ? [{ kind: "line", key: `${key}.${index}`, epoch: chunk.epoch, line }] : [],
  );
}

function flawRow({ kind, epoch, at, title, detail }: LogFlaw): LogRow {
  return { kind: "note", key: `${kind} ${epoch}.${at}`, text: title, detail };
}

function lineFilter({ level, text }: LogFilter): (line: LogLine) => boolean {
  const lowest = LOG_LEVELS.indexOf(level);
  const needle = text.toLowerCase();
  return (line) =>
    LOG_LEVELS.indexOf(line.level) >= lowest && line.text.toLowerCase().includes(needle);
}
