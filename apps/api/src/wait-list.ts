import { AlarmClock } from "./alarm-clock.ts";
import type { Happening } from "./happening.ts";

/** How a wait ended; `token` is what the waker passed. */
export type WaitEnd<T> =
  | { readonly kind: "woken"; readonly token: T }
  | { readonly kind: "elapsed" }
  | { readonly kind: "aborted" };

export type WaitOptions = {
  /** By `performance.now()`; waits until the same instant share a timer. */
  readonly untilMs: number;
  /** Ends the wait early. It tells nobody else meanwhile. */
  readonly ending: Happening;
};

/** A wait that has begun. Begin it *before* looking, so that nothing that happens while looking is missed. */
export type Wait<T, R = never> = {
  readonly ended: Promise<WaitEnd<T>>;
  readonly cancel: () => void;
  /** Says that the look is over, and that whoever waits can be given what it asks for. Whatever wakes it from now on it sees. */
  readonly stand: (ready: R) => void;
};

type Waiter<T, R> = { readonly end: (how: WaitEnd<T>) => void; ready: R | undefined };

/** The first of those who {@link Wait.stand}, and how to wake it. */
export type Standing<T, R> = { readonly ready: R; readonly wake: (token: T) => void };

/** Callers that wait for something to happen to a key (a pool, a run). Nothing is written while they wait. */
export class WaitList<T = undefined, R = never> {
  readonly #waiters = new Map<string, Set<Waiter<T, R>>>();
  readonly #clock = new AlarmClock();
  #closed = false;

  /** The keys that somebody waits for. */
  get keys(): string[] {
    return [...this.#waiters.keys()];
  }

  count(key: string): number {
    return this.#waiters.get(key)?.size ?? 0;
  }

  /** Begins a wait; it ends when woken, at `untilMs`, or with `ending`, whichever comes first. */
  begin(key: string, { untilMs, ending }: WaitOptions): Wait<T, R> {
    let resolve: (end: WaitEnd<T>) => void = () => undefined;
    const ended = new Promise<WaitEnd<T>>((settle) => (resolve = settle));
    const elapse = (): void => end({ kind: "elapsed" });
    const abort = (): void => end({ kind: "aborted" });
    let isOver = false;
    const end = (how: WaitEnd<T>): void => {
      if (isOver) return;
      isOver = true;
      this.#clock.cancel(untilMs, elapse);
      ending.forget();
      this.#remove(key, waiter);
      resolve(how);
    };
    const waiter: Waiter<T, R> = { end, ready: undefined };
    this.#add(key, waiter);
    this.#clock.set(untilMs, elapse);
    if (this.#closed) abort();
    else ending.tell(abort);
    const stand = (ready: R): void => void (waiter.ready = ready);
    return { ended, cancel: abort, stand };
  }

  /** Of those who have said that they {@link Wait.stand}, the one that has waited longest. */
  firstStanding(key: string): Standing<T, R> | undefined {
    for (const { ready, end } of this.#waiters.get(key) ?? []) {
      if (ready === undefined) continue;
      return { ready, wake: (token) => end({ kind: "woken", token }) };
    }
    return undefined;
  }

  /** Wakes those who wait for this key, longest wait first, at most `limit` of them. Returns how many. */
  wake(key: string, token: T, limit = Number.POSITIVE_INFINITY): number {
    const waiting = [...(this.#waiters.get(key) ?? [])].slice(0, limit);
    for (const { end } of waiting) end({ kind: "woken", token });
    return waiting.length;
  }

  /** Ends every wait, and later ones at once. */
  close(): void {
    this.#closed = true;
    const waiters = [...this.#waiters.values()].flatMap((waiting) => [...waiting]);
    for (const { end } of waiters) end({ kind: "aborted" });
  }

  #add(key: string, waiter: Waiter<T, R>): void {
    const waiting = this.#waiters.get(key);
    if (waiting === undefined) this.#waiters.set(key, new Set([waiter]));
    else waiting.add(waiter);
  }

  #remove(key: string, waiter: Waiter<T, R>): void {
    const waiting = this.#waiters.get(key);
    waiting?.delete(waiter);
    if (waiting?.size === 0) this.#waiters.delete(key);
  }
}
