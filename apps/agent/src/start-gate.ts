type Waiter = { readonly open: () => void };

export type StartGateOptions = {
  /** Most runs that execute at once. */
  readonly concurrency: number;
  /** How many more may be announced, so that the round trip of the report overlaps with execution. */
  readonly ahead: () => number;
};

/** Lets runs start in the order in which they came, so many at a time. Whoever waits here is still PENDING. */
export class StartGate {
  readonly #options: StartGateOptions;
  readonly #waiting = new Set<Waiter>();
  #inside = 0;

  constructor(options: StartGateOptions) {
    this.#options = options;
  }

  get inside(): number {
    return this.#inside;
  }

  /** True once inside: call {@link leave} afterwards. False when the signal aborted first. */
  enter(signal: AbortSignal): Promise<boolean> {
    if (signal.aborted) return Promise.resolve(false);
    if (this.#waiting.size === 0 && this.#inside < this.#limit()) {
      this.#inside += 1;
      return Promise.resolve(true);
    }
    return new Promise((resolve) => {
      const giveUp = () => {
        this.#waiting.delete(waiter);
        resolve(false);
      };
      const waiter = {
        open: () => {
          signal.removeEventListener("abort", giveUp);
          resolve(true);
        },
      };
      signal.addEventListener("abort", giveUp, { once: true });
      this.#waiting.add(waiter);
      this.#admit();
    });
  }

  leave(): void {
    this.#inside -= 1;
    this.#admit();
  }

  #admit(): void {
    if (this.#waiting.size === 0) return;
    const limit = this.#limit();
    for (const waiter of this.#waiting) {
      if (this.#inside >= limit) return;
      this.#waiting.delete(waiter);
      this.#inside += 1;
      waiter.open();
    }
  }

  #limit(): number {
    const { concurrency, ahead } = this.#options;
    return concurrency + ahead();
  }
}
