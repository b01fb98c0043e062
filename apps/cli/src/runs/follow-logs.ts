import type { Client } from "@downbeat/client";
import { isTerminal, type LogChunk, type LogLine } from "@downbeat/contract";
import type { Opener } from "@downbeat/seal";
import {
  chunkTag,
  findAbsent,
  findForeign,
  findLogFlaws,
  openLogChunk,
  openLogManifest,
  type ChunkTag,
  type LogFlaw,
  type OpenedManifest,
  type SealFailure,
} from "@downbeat/seal/log";

const WAIT_SECONDS = 15;
const PAGE = 200;

/** What is wrong with a log, or with one chunk of it: a part that is not here, not what was sent, or does not open. */
export type LogNote = Pick<LogFlaw, "epoch" | "title" | "detail"> & {
  readonly kind: LogFlaw["kind"] | "unopened" | "late";
};

export type LogOptions = {
  readonly signal: AbortSignal;
  /** Goes on until the run is over; otherwise ends with what is stored now. */
  readonly follow: boolean;
  readonly onLine: (line: LogLine) => void;
  readonly onNote: (note: LogNote) => void;
};

/** How much of a log could be read. */
export type LogSummary = {
  /** Nothing is known to be missing or not to be what was sent, and each attempt's log has an end. */
  readonly isWhole: boolean;
  readonly openedChunks: number;
  /** Why the first chunk that did not open stayed closed. */
  readonly failure: SealFailure | undefined;
};

/**
 * Fetches a run's sealed log, opens it here, and hands over its lines in order. Whatever is missing, altered or not what
 * was sent is told where it belongs, and at the end what shows only then.
 */
export async function followLogs(
  client: Pick<Client, "call">,
  runId: string,
  opener: Opener,
  options: LogOptions,
): Promise<LogSummary> {
  const reading = new LogReading(client, { ...options, runId, opener });
  await reading.readRun();
  await reading.readManifests();
  await reading.readChunks();
  // Once more, for attempts that ended meanwhile.
  await reading.readRun();
  await reading.readManifests();
  return reading.close();
}

type ReadingOptions = LogOptions & { readonly runId: string; readonly opener: Opener };

class LogReading {
  readonly #client: Pick<Client, "call">;
  readonly #options: ReadingOptions;
  readonly #manifests = new Map<string, OpenedManifest>();
  readonly #chunks = new Map<string, ChunkTag>();
  readonly #told = new Set<string>();
  #last: ChunkTag | undefined;
  #lastEpoch = 0;
  #isOver = false;
  #openedChunks = 0;
  #isFalse = false;
  #failure: SealFailure | undefined;

  constructor(client: Pick<Client, "call">, options: ReadingOptions) {
    this.#client = client;
    this.#options = options;
  }

  async readRun(): Promise<void> {
    const { runId, signal } = this.#options;
    const run = await this.#client.call("readRun", { params: { runId } }, { signal });
    this.#lastEpoch = run.epoch;
    this.#isOver = isTerminal(run.state.type);
  }

  async readManifests(): Promise<void> {
    const { runId, opener, signal } = this.#options;
    for (let after: string | null | undefined; after !== null;) {
      const query = { limit: PAGE, ...(after !== undefined && { after }) };
      const page = await this.#client.call(
        "listLogManifests",
        { params: { runId }, query },
        { signal },
      );
      opener.addDataKeys(page.dataKeys);
      for (const part of page.items) {
        const opened = await openLogManifest(opener, runId, part);
        this.#manifests.set(`${part.epoch}.${part.part}`, opened);
      }
      after = page.nextAfter;
    }
  }

  async readChunks(): Promise<void> {
    const { runId, opener, signal, follow } = this.#options;
    let after: string | undefined;
    for (;;) {
      const query = {
        limit: PAGE,
        waitSeconds: follow ? WAIT_SECONDS : 0,
        ...(after !== undefined && { after }),
      };
      const page = await this.#client.call(
        "listLogChunks",
        { params: { runId }, query },
        { signal },
      );
      opener.addDataKeys(page.dataKeys);
      const countBefore = this.#chunks.size;
      for (const chunk of page.items.toSorted(byPlace)) await this.#take(chunk);
      after = page.nextAfter ?? after;
      // What was here before does not count: a plane that repeats itself must not keep its reader forever.
      if (this.#chunks.size === countBefore && (page.complete || !follow)) return;
    }
  }

  /** Tells what shows only when all is read. */
  close(): LogSummary {
    const flaws = findLogFlaws({
      chunks: [...this.#chunks.values()],
      manifests: [...this.#manifests.values()],
      lastEpoch: this.#lastEpoch,
      isOver: this.#isOver,
    });
    for (const flaw of flaws) this.#tell(flaw);
    return {
      isWhole: flaws.length === 0 && !this.#isFalse,
      openedChunks: this.#openedChunks,
      failure: this.#failure,
    };
  }

  async #take(chunk: LogChunk): Promise<void> {
    const { runId, opener, onLine } = this.#options;
    const tag = chunkTag(chunk);
    const key = `${tag.epoch}.${tag.sequence}`;
    const known = this.#chunks.get(key);
    if (known?.tag === tag.tag) return;
    if (known !== undefined) return this.#refuse(twice(tag));
    this.#chunks.set(key, tag);
    const manifests = [...this.#manifests.values()];
    this.#tellPlace(tag, manifests);
    const foreign = findForeign(tag, manifests);
    if (foreign !== undefined) return this.#refuse(foreign);
    const { lines, failure } = await openLogChunk(opener, runId, chunk);
    if (failure === undefined) {
      this.#openedChunks += 1;
      lines.forEach(onLine);
    } else {
      this.#failure ??= failure;
      this.#refuse(unopened(tag, failure));
    }
  }

  /** Says what is missing before a chunk, or that it comes after its successors. */
  #tellPlace(tag: ChunkTag, manifests: readonly OpenedManifest[]): void {
    const { epoch, sequence } = tag;
    const evidence = { manifests, isOver: this.#isOver };
    const last = this.#last;
    if (last !== undefined && (epoch - last.epoch || sequence - last.sequence) < 0)
      return this.#tell(late(tag));
    this.#last = tag;
    const from = last?.epoch === epoch ? last.sequence + 1 : 0;
    if (sequence === from) return;
    for (const flaw of findAbsent({ epoch, from, to: sequence - 1 }, evidence)) this.#tell(flaw);
  }

  #refuse(note: LogNote): void {
    this.#isFalse = true;
    this.#tell(note);
  }

  #tell(note: LogNote): void {
    const key = `${note.epoch} ${note.title}`;
    if (this.#told.has(key)) return;
    this.#told.add(key);
    this.#options.onNote(note);
  }
}

function byPlace(a: LogChunk, b: LogChunk): number {
  return a.epoch - b.epoch || a.sequence - b.sequence;
}

function unopened({ epoch, sequence }: ChunkTag, { title, detail }: SealFailure): LogNote {
  return { kind: "unopened", epoch, title: `chunk ${sequence} ${title}`, detail };
}

function twice({ epoch, sequence }: ChunkTag): LogNote {
  const detail = "The second one differs from the first and is not shown.";
  return { kind: "foreign", epoch, title: `chunk ${sequence} is here twice`, detail };
}

function late({ epoch, sequence }: ChunkTag): LogNote {
  const detail = "Its lines belong before those above.";
  return { kind: "late", epoch, title: `chunk ${sequence} comes late`, detail };
}
