import type { Readable } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";
import { LineSplitter, type Line } from "./line-splitter.ts";

export type LineInboxOptions<Item> = {
  /** Makes of a line what is taken; undefined skips it. */
  readonly read: (line: Line) => Item | undefined;
  readonly longestLineBytes: number;
  /** Most items that are taken at once, and most that wait. */
  readonly maxItems: number;
  /** Ends a wait for lines, with its reason. */
  readonly signal: AbortSignal;
};

/**
 * Reads lines from a body and hands them out in batches. While a batch is being worked on, the next is gathered; what is held
 * of both never exceeds the length of the longest line by more than the stream itself reads at once. Beyond that the body is not read.
 */
export class LineInbox<Item> {
  readonly #body: Readable;
  readonly #options: LineInboxOptions<Item>;
  readonly #splitter: LineSplitter;
  #waiting: Item[] = [];
  #waitingBytes = 0;
  /** Of the batch that is being worked on. */
  #takenBytes = 0;
  /** The body, of which there may be lines yet to be split off. */
  #hasEnded = false;
  #isDiscarding = false;
  #failure: Error | undefined;
  #wake: () => void = () => {};

  constructor(body: Readable, options: LineInboxOptions<Item>) {
    this.#body = body;
    this.#options = options;
    this.#splitter = new LineSplitter(options.longestLineBytes);
    body.on("readable", () => this.#fill());
    body.on("end", () => this.#end());
    body.on("error", (error: Error) => this.#fail(error));
    body.on("close", () => this.#fail(new Error("The body broke off.")));
    options.signal.addEventListener("abort", () => this.#wake());
  }

  /**
   * Waits for lines and takes those that are there; with that, the batch before counts as done. Undefined at the end.
   *
   * @throws the signal's reason; what the body broke off with
   */
  async take(): Promise<readonly Item[] | undefined> {
    this.#takenBytes = 0;
    this.#fill();
    while (this.#waiting.length === 0 && !this.#hasEnded) {
      this.#checkGoingOn();
      await new Promise<void>((resolve) => (this.#wake = resolve));
      await nextTurn(); // what comes right behind goes with it
    }
    this.#checkGoingOn();
    if (this.#waiting.length === 0) return undefined;
    const items = this.#waiting;
    this.#takenBytes = this.#waitingBytes;
    this.#waiting = [];
    this.#waitingBytes = 0;
    setImmediate(() => this.#fill()); // the next batch, meanwhile
    return items;
  }

  /** Throws away what is here and what still comes, so that the sender is not cut off while it sends. */
  discard(): void {
    this.#isDiscarding = true;
    this.#waiting = [];
    this.#fill();
  }

  #fill(): void {
    this.#split();
    while (this.#hasRoom()) {
      const bytes = this.#body.read() as Buffer | null;
      if (bytes === null) break;
      if (this.#isDiscarding) continue;
      this.#splitter.add(bytes);
      this.#split();
    }
    if (this.#waiting.length > 0) this.#wake();
  }

  #split(): void {
    if (this.#isDiscarding) return;
    while (this.#waiting.length < this.#options.maxItems) {
      const line = this.#splitter.next() ?? (this.#hasEnded ? this.#splitter.last() : undefined);
      if (line === undefined) return;
      this.#put(line);
    }
  }

  // The longest line may be begun, and nothing else there: then it has to be read on.
  #hasRoom(): boolean {
    if (this.#isDiscarding || this.#waitingBytes + this.#takenBytes === 0) return true;
    const heldBytes = this.#waitingBytes + this.#takenBytes + this.#splitter.heldBytes;
    const { longestLineBytes, maxItems } = this.#options;
    return this.#waiting.length < maxItems && heldBytes < longestLineBytes;
  }

  #put(line: Line): void {
    const item = this.#options.read(line);
    if (item === undefined) return;
    this.#waiting.push(item);
    this.#waitingBytes += line === "too long" ? 1 : line.bytes.length;
  }

  #end(): void {
    this.#hasEnded = true;
    this.#split();
    this.#wake();
  }

  #fail(error: Error): void {
    if (this.#hasEnded) return;
    this.#failure ??= error;
    this.#wake();
  }

  #checkGoingOn(): void {
    this.#options.signal.throwIfAborted();
    if (this.#failure !== undefined) throw this.#failure;
  }
}
