import type { ReportItem } from "@downbeat/contract";
import type { Store, StoreOperation } from "./store.ts";

/** One item in the outbox; `sequence` is its place in the order of delivery. */
export type OutboxEntry = {
  readonly sequence: number;
  readonly bytes: number;
  readonly item: ReportItem;
};

export type OutboxOptions = {
  readonly store: Store;
  /** When undelivered items take more than this, `isFull` turns true. Items are taken all the same. */
  readonly maxBytes: number;
};

const PREFIX = "item!";
// "!" sorts directly before '"', so this bounds every key with the prefix.
const PREFIX_END = 'item"';
// This much of the head is also kept in memory, so that the usual path from put to delivery reads nothing back.
const RECENT_BYTES = 32 * 1024 * 1024;
const LOAD_LIMIT = 1_000;

/**
 * What has been observed and not yet acknowledged by the plane: ordered, on disk before a put resolves, kept until
 * {@link acknowledge}. Survives SIGKILL and power loss.
 */
export class Outbox {
  readonly #store: Store;
  readonly #maxBytes: number;
  #recent: OutboxEntry[] = [];
  #recentBytes = 0;
  /** What is undelivered before this place is in memory, from {@link #recent}'s first item on. */
  #recentEnd = 0;
  #nextSequence = 0;
  /** Everything below is on disk. */
  #durableSequence = 0;
  readonly #sizes = new Map<number, number>();
  readonly #setAside = new Set<number>();
  #bytes = 0;
  #onReady: () => void = () => {};
  #onEmpty: () => void = () => {};

  private constructor({ store, maxBytes }: OutboxOptions) {
    this.#store = store;
    this.#maxBytes = maxBytes;
  }

  /** Opens the outbox and finds what a predecessor left in it. */
  static async open(options: OutboxOptions): Promise<Outbox> {
    const outbox = new Outbox(options);
    await outbox.#load();
    return outbox;
  }

  /** Is called whenever there is something new to deliver. */
  onReady(callback: () => void): void {
    this.#onReady = callback;
  }

  /** Undelivered items. */
  get size(): number {
    return this.#sizes.size;
  }

  /** Whether there is something on disk to deliver, from this place on. */
  hasReady(from = 0): boolean {
    const oldest = this.#oldestSequence() ?? Number.POSITIVE_INFINITY;
    return Math.max(oldest, from) < this.#durableSequence;
  }

  /** Whether it has not been acknowledged. */
  holds({ sequence }: OutboxEntry): boolean {
    return this.#sizes.has(sequence);
  }

  /** Nobody need wait for these any more: see {@link whenEmpty}. They stay until they are acknowledged. */
  setAside(entries: readonly OutboxEntry[]): void {
    for (const { sequence } of entries) this.#setAside.add(sequence);
    if (this.#isEmptied) this.#onEmpty();
  }

  get #isEmptied(): boolean {
    return this.size === this.#setAside.size;
  }

  /** Resolves when everything has been acknowledged or set aside, or the signal aborts. */
  async whenEmpty(signal: AbortSignal): Promise<void> {
    if (this.#isEmptied || signal.aborted) return;
    await new Promise<void>((resolve) => {
      this.#onEmpty = resolve;
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
  }

  get bytes(): number {
    return this.#bytes;
  }

  get isFull(): boolean {
    return this.#bytes > this.#maxBytes;
  }

  /** Resolves once the items are on disk. `alongside` is written in the same atomic batch. */
  async put(
    items: readonly ReportItem[],
    alongside: readonly StoreOperation[] = [],
  ): Promise<void> {
    const entries: OutboxEntry[] = [];
    const operations: StoreOperation[] = [];
    for (const item of items) {
      const value = JSON.stringify(item);
      const entry = { sequence: this.#nextSequence++, bytes: value.length, item };
      this.#account(entry.sequence, entry.bytes);
      entries.push(entry);
      operations.push({ type: "put", key: keyOf(entry.sequence), value });
    }
    await this.#store.write([...operations, ...alongside]);
    this.#becameDurable(entries);
  }

  /** The oldest undelivered items from this place on (default: all), in order; at least one if there is any. */
  async read(options: { limit: number; maxBytes: number; from?: number }): Promise<OutboxEntry[]> {
    const { limit, maxBytes, from = 0 } = options;
    if (!this.hasReady(from)) return [];
    const recent = this.#fromMemory(from, limit);
    return withinBytes(recent ?? (await this.#readFromDisk(from, limit)), maxBytes);
  }

  /** Forgets delivered items. A deletion lost with the machine only means that an item is sent once more. */
  acknowledge(entries: readonly OutboxEntry[]): Promise<void> {
    for (const { sequence } of entries) {
      this.#bytes -= this.#sizes.get(sequence) ?? 0;
      this.#sizes.delete(sequence);
      this.#setAside.delete(sequence);
    }
    this.#recent = this.#recent.filter(({ sequence, bytes }) => {
      const isKept = this.#sizes.has(sequence);
      if (!isKept) this.#recentBytes -= bytes;
      return isKept;
    });
    if (this.#isEmptied) this.#onEmpty();
    return this.#forget(entries.map(({ sequence }) => sequence));
  }

  // What is delivered together mostly lies together.
  #forget(sequences: readonly number[]): Promise<void> {
    const [first, last] = [Math.min(...sequences), Math.max(...sequences)];
    if (sequences.length > 1 && last - first + 1 === sequences.length)
      return this.#store.clear({ gte: keyOf(first), lte: keyOf(last) });
    return this.#store.writeLoosely(
      sequences.map((sequence) => ({ type: "del", key: keyOf(sequence) })),
    );
  }

  async #load(): Promise<void> {
    for (let from = PREFIX; ; from = `${keyOf(this.#nextSequence - 1)}\0`) {
      const found = await this.#store.entries({ gte: from, lt: PREFIX_END, limit: LOAD_LIMIT });
      for (const [key, value] of found) {
        this.#nextSequence = sequenceOf(key) + 1;
        this.#account(sequenceOf(key), value.length);
      }
      if (found.length < LOAD_LIMIT) break;
    }
    this.#durableSequence = this.#nextSequence;
  }

  #account(sequence: number, bytes: number): void {
    this.#sizes.set(sequence, bytes);
    this.#bytes += bytes;
  }

  #becameDurable(entries: readonly OutboxEntry[]): void {
    for (const entry of entries) {
      const { sequence, bytes } = entry;
      const continues = sequence === this.#recentEnd || sequence === this.#oldestSequence();
      if (continues && this.#recentBytes < RECENT_BYTES) {
        this.#recent.push(entry);
        this.#recentBytes += bytes;
        this.#recentEnd = sequence + 1;
      }
      this.#durableSequence = Math.max(this.#durableSequence, sequence + 1);
    }
    this.#onReady();
  }

  // A Map keeps insertion order, which is the order of sequences.
  #oldestSequence(): number | undefined {
    for (const sequence of this.#sizes.keys()) return sequence;
    return undefined;
  }

  /** Undefined when the items from there on are not in memory. Those that are begin with the oldest and leave none out. */
  #fromMemory(from: number, limit: number): OutboxEntry[] | undefined {
    const [first] = this.#recent;
    if (first?.sequence !== this.#oldestSequence() || first === undefined) return undefined;
    const at = this.#recent.findIndex(({ sequence }) => sequence >= from);
    return at === -1 ? undefined : this.#recent.slice(at, at + limit);
  }

  async #readFromDisk(from: number, limit: number): Promise<OutboxEntry[]> {
    // Not from the beginning: deletions of what was acknowledged may still be under way.
    const range = {
      gte: keyOf(Math.max(from, this.#oldestSequence() ?? 0)),
      lt: keyOf(this.#durableSequence),
      limit,
    };
    const found = await this.#store.entries(range);
    return found.map(([key, value]) => ({
      sequence: sequenceOf(key),
      bytes: value.length,
      item: JSON.parse(value) as ReportItem,
    }));
  }
}

function withinBytes(entries: readonly OutboxEntry[], maxBytes: number): OutboxEntry[] {
  let total = 0;
  const end = entries.findIndex(({ bytes }, at) => (total += bytes) > maxBytes && at > 0);
  return end === -1 ? [...entries] : entries.slice(0, end);
}

function keyOf(sequence: number): string {
  return PREFIX + String(sequence).padStart(16, "0");
}

function sequenceOf(key: string): number {
  return Number(key.slice(PREFIX.length));
}
