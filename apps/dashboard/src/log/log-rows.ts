import { LOG_LEVELS, type LogLine } from "@downbeat/contract";
import type { LogSlot } from "./log-book.ts";
import type { OpenedChunk } from "./opened-chunk.ts";

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
  readonly filter: LogFilter;
  /** Whether nothing more will come, so that a gap is a loss and not a delay. */
  readonly complete: boolean;
};

/** The rows of a log. A filter hides lines, never the note that something is missing or did not open. */
export function logRows({ slots, opened, filter, complete }: LogRowsInput): LogRow[] {
  const shows = lineFilter(filter);
  return slots.flatMap((slot): LogRow[] => {
    if (slot.kind === "missing") return [missingRow(slot, complete)];
    const { key, chunk } = slot;
    const content = opened.get(key);
    if (content === undefined) {
      return [{ kind: "sealed", key, blob: chunk.chunk, lineCount: chunk.lineCount }];
    }
    if (content.failure !== undefined) {
      const { title, detail } = content.failure;
      return [{ kind: "note", key, text: `chunk ${chunk.sequence} ${title}`, detail }];
    }
    return content.lines.flatMap((line, index) =>
      shows(line) ? [{ kind: "line", key: `${key}.${index}`, epoch: chunk.epoch, line }] : [],
    );
  });
}

function missingRow(slot: Extract<LogSlot, { kind: "missing" }>, complete: boolean): LogRow {
  const { key, firstSequence, lastSequence } = slot;
  const one = firstSequence === lastSequence;
  const chunks = one ? `chunk ${firstSequence}` : `chunks ${firstSequence} to ${lastSequence}`;
  const verb = one ? ["is", "has"] : ["are", "have"];
  return complete
    ? {
        kind: "note",
        key,
        text: `${chunks} ${verb[0]} missing`,
        detail:
          "The log before and after is here, this stretch is not: it was never delivered, or it was deleted.",
      }
    : {
        kind: "note",
        key,
        text: `${chunks} ${verb[1]} not arrived yet`,
        detail: "Later lines are already here. Reports may arrive out of order.",
      };
}

function lineFilter({ level, text }: LogFilter): (line: LogLine) => boolean {
  const lowest = LOG_LEVELS.indexOf(level);
  const needle = text.toLowerCase();
  return (line) =>
    LOG_LEVELS.indexOf(line.level) >= lowest && line.text.toLowerCase().includes(needle);
}
