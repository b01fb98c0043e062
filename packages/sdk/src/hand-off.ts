type Taker<T> = {
  readonly resolve: (next: IteratorResult<T, unknown>) => void;
  readonly reject: (error: unknown) => void;
};

/** Hands items from a task to whoever reads them, one at a time: the task goes on when the next one is asked for. */
export class HandOff<T> {
  #taker: Taker<T> | undefined;
  #end: ((taker: Taker<T>) => void) | undefined;
  #isClosed = false;
  #wakeGiver: () => void = () => {};

  /** The reader asks for the next item. */
  next(): Promise<IteratorResult<T, unknown>> {
    return new Promise((resolve, reject) => {
      const taker = { resolve, reject };
      if (this.#end !== undefined) return this.#end(taker);
      this.#taker = taker;
      this.#wakeGiver();
    });
  }

  /** The reader wants no more. */
  close(): void {
    this.#isClosed = true;
    this.#wakeGiver();
  }

  /** Resolves with true when an item is asked for, with false when no more are. */
  asked(): Promise<boolean> {
    return new Promise((resolve) => {
      const look = () => {
        if (this.#isClosed || this.#taker !== undefined) resolve(!this.#isClosed);
      };
      this.#wakeGiver = look;
      look();
    });
  }

  give(value: T): void {
    this.#taker?.resolve({ done: false, value });
    this.#taker = undefined;
  }

  /** No item follows: the task has returned. */
  finish(value: unknown): void {
    this.#settle((taker) => taker.resolve({ done: true, value }));
  }

  /** No item follows: the task has failed. */
  fail(error: unknown): void {
    this.#settle((taker) => taker.reject(error));
  }

  #settle(end: (taker: Taker<T>) => void): void {
    this.#end = end;
    if (this.#taker !== undefined) end(this.#taker);
    this.#taker = undefined;
  }
}
