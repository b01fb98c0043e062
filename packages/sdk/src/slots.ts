import { DownbeatError } from "@downbeat/contract/errors";

/** @throws DownbeatError `definition_invalid` when so many cannot run at a time. */
export function checkConcurrency(owner: string, concurrency: number | undefined): void {
  if (concurrency === undefined || concurrency === Infinity) return;
  if (Number.isInteger(concurrency) && concurrency >= 1) return;
  throw new DownbeatError("definition_invalid", {
    message: `concurrency of ${owner} is ${String(concurrency)}; it must be a whole number from 1`,
  });
}

/** So many may go on at a time; the others wait in the order they came. */
export class Slots {
  #free: number;
  readonly #waiting = new Set<() => void>();

  constructor(count: number) {
    this.#free = count;
  }

  /** Takes a slot if one is free. */
  tryTake(): boolean {
    if (this.#free === 0) return false;
    this.#free -= 1;
    return true;
  }

  /** Waits for a slot. Rejects with the signal's reason when it aborts first. */
  take(signal: AbortSignal | undefined): Promise<void> {
    if (this.tryTake()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        this.#waiting.delete(granted);
        reject(signal?.reason as Error);
      };
      const granted = () => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      };
      if (signal?.aborted) return reject(signal.reason as Error);
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#waiting.add(granted);
    });
  }

  /** Gives a slot back: to whoever waits longest, if anyone does. */
  give(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#free += 1;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}
