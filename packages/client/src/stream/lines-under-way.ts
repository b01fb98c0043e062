import { setImmediate as nextTurn } from "node:timers/promises";

/** A line as it is sent. */
export type WrittenLine = {
  readonly text: string;
  /** Whether it may be sent again when nobody knows what became of it. */
  readonly isRepeatable: boolean;
};

// As much as the API holds of a stream, and what is between here and there.
const MOST_LINES = 2_000;
const MOST_CHARACTERS = 4 * 1024 * 1024;

/**
 * Lines on their way to the API: taken from their source ahead of the answers, as far as memory should hold, and kept until they
 * are answered, to be sent again over another connection.
 */
export class LinesUnderWay {
  readonly #source: AsyncIterable<WrittenLine>;
  readonly #unanswered: WrittenLine[] = [];
  #characters = 0;
  /** Those of the unanswered that the present connection was not given yet. */
  #unsent: string[] = [];
  #isTaking = false;
  #isOver = false;
  #failure: { readonly error: unknown } | undefined;
  #connections = 0;
  #waiters: (() => void)[] = [];

  constructor(source: AsyncIterable<WrittenLine>) {
    this.#source = source;
  }

  get unansweredCount(): number {
    return this.#unanswered.length;
  }

  /** Whether every line that has no answer may be sent again. */
  get areRepeatable(): boolean {
    return this.#unanswered.every(({ isRepeatable }) => isRepeatable);
  }

  /** Nothing more comes from the source, and everything is answered. */
  get isDone(): boolean {
    return this.#isOver && this.#unanswered.length === 0;
  }

  /**
   * Waits for a line that has no answer yet; false when there will be none.
   *
   * @throws what the source threw, once everything before that is answered
   */
  async hasMore(): Promise<boolean> {
    if (!this.#isTaking) void this.#take();
    while (this.#unanswered.length === 0 && !this.#isOver) await this.#change();
    if (this.#unanswered.length > 0) return true;
    if (this.#failure !== undefined) throw this.#failure.error;
    return false;
  }

  /** The text for a new connection, from the first line that has no answer to the end of the source. Ends any before it. */
  async *text(): AsyncGenerator<string> {
    const connection = (this.#connections += 1);
    this.#tell();
    this.#unsent = this.#unanswered.map(({ text }) => text);
    for (;;) {
      while (this.#unsent.length === 0 && !this.#isOver && connection === this.#connections)
        await this.#change();
      await nextTurn(); // what comes right behind goes with it
      if (connection !== this.#connections) return;
      if (this.#unsent.length === 0) return;
      yield this.#unsent.splice(0).join("");
    }
  }

  /** Forgets the first line: it is answered. */
  answered(): void {
    const line = this.#unanswered.shift();
    this.#characters -= line?.text.length ?? 0;
    this.#tell();
  }

  /** Takes no more from the source, and ends the text of the present connection. */
  close(): void {
    this.#isOver = true;
    this.#connections += 1;
    this.#tell();
  }

  async #take(): Promise<void> {
    this.#isTaking = true;
    try {
      for await (const line of this.#source) {
        this.#put(line);
        while (this.#isFull() && !this.#isOver) await this.#change();
        if (this.#isOver) break; // closed
      }
    } catch (error) {
      this.#failure = { error };
    }
    this.#isOver = true;
    this.#tell();
  }

  #put(line: WrittenLine): void {
    this.#unanswered.push(line);
    this.#unsent.push(line.text);
    this.#characters += line.text.length;
    this.#tell();
  }

  #isFull(): boolean {
    return this.#unanswered.length >= MOST_LINES || this.#characters >= MOST_CHARACTERS;
  }

  #change(): Promise<void> {
    return new Promise((resolve) => void this.#waiters.push(resolve));
  }

  #tell(): void {
    for (const wake of this.#waiters.splice(0)) wake();
  }
}
