/** Tells what works for a run that the run is over. */
export class RunOver {
  // Made when first asked for: most runs never do, and to abort one costs more than the rest of a short run.
  #abort: AbortController | undefined;
  #isOver = false;

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Aborts when the run is over; at once when it is already. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#isOver) this.#abort.abort();
    return this.#abort.signal;
  }

  end(): void {
    this.#isOver = true;
    this.#abort?.abort();
  }
}
