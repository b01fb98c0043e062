import { inspect } from "node:util";
import type { LogLine } from "@downbeat/contract";

export type LogBufferOptions = {
  /** Takes a chunk of lines; called at most every {@link FLUSH_MS} unless there is much to say. */
  readonly onChunk: (lines: readonly LogLine[]) => void;
  /** Is told how many lines were not kept. */
  readonly onLeftOut: (lines: number) => void;
  /** While true, lines are counted instead of kept. */
  readonly isHeldBack: () => boolean;
  readonly now: () => Date;
};

const FLUSH_BYTES = 64 * 1024;
const FLUSH_MS = 250;
const LONGEST_TEXT = 32 * 1024;

/** Gathers a run's log lines into chunks. */
export class LogBuffer {
  readonly #options: LogBufferOptions;
  #lines: LogLine[] = [];
  #bytes = 0;
  #dropped = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: LogBufferOptions) {
    this.#options = options;
  }

  add(line: LogLine): void {
    if (this.#options.isHeldBack()) {
      this.#dropped += 1;
      return;
    }
    this.#tellOfDropped();
    this.#push(fitting(line));
    if (this.#bytes >= FLUSH_BYTES) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), FLUSH_MS);
  }

  /** Hands on what there is; at the end of a run also the notice of what was held back. */
  close(): void {
    this.#tellOfDropped();
    this.flush();
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const lines = this.#lines;
    this.#lines = [];
    this.#bytes = 0;
    if (lines.length > 0) this.#options.onChunk(lines);
  }

  #push(line: LogLine): void {
    this.#lines.push(line);
    this.#bytes +=
      line.text.length +
      (line.fields === undefined ? 100 : JSON.stringify(line.fields).length + 100);
  }

  #tellOfDropped(): void {
    if (this.#dropped === 0) return;
    const text = `${this.#dropped} log lines are missing here: the agent's outbox was full because the API was away.`;
    this.#options.onLeftOut(this.#dropped);
    this.#dropped = 0;
    this.#push({ at: this.#options.now().toISOString(), level: "warn", logger: "downbeat", text });
  }
}

/** A line that fits into a chunk and into JSON, whatever the author logged. */
function fitting(line: LogLine): LogLine {
  const { fields, ...rest } = line;
  const text =
    line.text.length <= LONGEST_TEXT
      ? line.text
      : `${line.text.slice(0, LONGEST_TEXT)}… (${line.text.length - LONGEST_TEXT} more characters)`;
  if (fields === undefined) return { ...rest, text };
  return {
    ...rest,
    text,
    fields: isSmallJson(fields) ? fields : { shown: inspect(fields).slice(0, LONGEST_TEXT) },
  };
}

function isSmallJson(fields: Record<string, unknown>): boolean {
  try {
    return JSON.stringify(fields).length <= LONGEST_TEXT;
  } catch {
    return false; // BigInt, a cycle: shown as text instead
  }
}
