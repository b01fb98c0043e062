type Planned = { readonly atMs: number; readonly order: number; readonly act: () => void };

/** Takes back what was planned. */
export type Cancel = () => void;

/** Simulated time: jumps from one planned act to the next. Acts planned for one instant happen in the order planned. */
export class Timeline {
  readonly #heap: Planned[] = [];
  #nowMs = 0;
  #order = 0;

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Plans an act. */
  after(delayMs: number, act: () => void): Cancel {
    let isCancelled = false;
    const run = (): void => {
      if (!isCancelled) act();
    };
    this.#push({ atMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, act: run });
    return () => {
      isCancelled = true;
    };
  }

  /** Lives on until the instant, or until the condition holds. */
  runUntil(endMs: number, isDone: () => boolean = () => false): void {
    for (;;) {
      const next = this.#heap[0];
      if (next === undefined || next.atMs > endMs || isDone()) break;
      this.#pop();
      this.#nowMs = next.atMs;
      next.act();
    }
    if (!isDone()) this.#nowMs = Math.max(this.#nowMs, endMs);
  }

  #push(planned: Planned): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(planned);
    while (at > 0) {
      const parentAt = (at - 1) >> 1;
      const parent = heap[parentAt];
      if (parent === undefined || isBefore(parent, planned)) break;
      heap[at] = parent;
      at = parentAt;
    }
    heap[at] = planned;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let childAt = 2 * at + 1;
      let child = heap[childAt];
      const right = heap[childAt + 1];
      if (right !== undefined && child !== undefined && isBefore(right, child)) {
        childAt += 1;
        child = right;
      }
      if (child === undefined || isBefore(last, child)) break;
      heap[at] = child;
      at = childAt;
    }
    heap[at] = last;
  }
}

function isBefore(one: Planned, other: Planned): boolean {
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order);
}
