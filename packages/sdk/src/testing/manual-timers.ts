import type { Timers } from "../timers.ts";

type Pending = { readonly at: number; readonly callback: () => void };

const DEADLINE_MS = 5_000;

/** A clock that stands still until it is told to go on: an hour of backoff passes at once, and to the millisecond. */
export class ManualTimers implements Timers {
  /** What `random()` answers. */
  chance = 0.5;
  #nowMs: number;
  #pending: Pending[] = [];

  constructor(startIso = "2026-01-01T00:00:00.000Z") {
    this.#nowMs = Date.parse(startIso);
  }

  now(): number {
    return this.#nowMs;
  }

  random(): number {
    return this.chance;
  }

  after(delayMs: number, callback: () => void): () => void {
    const pending = { at: this.#nowMs + delayMs, callback };
    this.#pending.push(pending);
    return () => {
      this.#pending = this.#pending.filter((other) => other !== pending);
    };
  }

  /** Waits for a promise; whenever all code rests, time jumps to the next timer. Rejects as the promise does. */
  async settle<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const mark = () => {
      settled = true;
    };
    promise.then(mark, mark);
    for (const deadline = Date.now() + DEADLINE_MS; !settled;) {
      await new Promise((resolve) => setImmediate(resolve));
      if (!settled) this.#jump();
      if (Date.now() > deadline)
        throw new Error(`not settled within ${DEADLINE_MS} ms, and no timer is left`);
    }
    return promise;
  }

  #jump(): void {
    const next = this.#pending.toSorted((one, other) => one.at - other.at)[0];
    if (next === undefined) return;
    this.#pending = this.#pending.filter((other) => other !== next);
    this.#nowMs = Math.max(this.#nowMs, next.at);
    next.callback();
  }
}
