export type StartGateOptions = {
  /** Most runs that execute at once. */
  readonly concurrency: number;
  /** How many more may be announced, so that the round trip of the report overlaps with execution. */
  readonly ahead: () => number;
};

/** Lets runs start in the order in which they came, so many at a time. Whoever waits here is still PENDING. */
export class StartGate {
  readonly #options: StartGateOptions;
  /** Who waits, in order, and what lets them in or sends them away. */
  readonly #waiting = new Map<object, (isInside: boolean) => void>();
  #inside = 0;

  constructor(options: StartGateOptions) {
    this.#options = options;
  }

  get inside(): number {
    return this.#inside;
  }

  /** True once inside: call {@link leave} afterwards. False when the run gave up first: see {@link giveUp}. */
  enter(run: object): Promise<boolean> {
    if (this.#waiting.size === 0 && this.#inside < this.#limit()) {
      this.#inside += 1;
      return Promise.resolve(true);
    }
    return new Promise((resolve) => {
      this.#waiting.set(run, resolve);
      this.#admit();
    });
  }

  /** The run does not want in any more; nothing changes where it does not wait. */
  giveUp(run: object): void {
    const answer = this.#waiting.get(run);
    this.#waiting.delete(run);
    answer?.(false);
  }

  leave(): void {
    this.#inside -= 1;
    this.#admit();
  }

  #admit(): void {
    if (this.#waiting.size === 0) return;
    const limit = this.#limit();
    for (const [run, answer] of this.#waiting) {
      if (this.#inside >= limit) return;
      this.#waiting.delete(run);
      this.#inside += 1;
      answer(true);
    }
  }

  #limit(): number {
    const { concurrency, ahead } = this.#options;
    return concurrency + ahead();
  }
}
