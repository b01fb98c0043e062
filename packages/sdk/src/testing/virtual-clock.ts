import { setImmediate, setTimeout } from "node:timers";
import type { Timers } from "../timers.ts";
import { currentFrame, withTimers } from "../frame.ts";
import { PendingWork } from "./pending-work.ts";

// Kept as they are now: a test may put fake ones in their place later.
const nextTurn = () => new Promise<void>((resolve) => void setImmediateOf(resolve));
const realWait = (ms: number) => new Promise<void>((resolve) => void setTimeoutOf(resolve, ms));
const setImmediateOf = setImmediate;
const setTimeoutOf = setTimeout;

/** So many idle turns of the event loop in a row mean that only time can go on. */
const IDLE_TURNS = 3;
/** Shorter than what test runners give a test by default, so that the reason is said before they give up. */
const STUCK_AFTER_MS = 4_000;

type Pending = { readonly at: number; readonly callback: () => void };

/** When time that passes at once begins, and what chance comes out as. */
export type ClockOptions = {
  /** What the clock shows at first. Default 2026-01-01T00:00:00.000Z. */
  readonly startAt?: Date;
  /** What stands in for chance, in [0, 1): 0.5 is no jitter. Default 0.5. */
  readonly random?: () => number;
};

/** The awaited promise waits for something that neither time nor anything in this process brings about. */
export class NothingLeftToHappen extends Error {
  constructor(pending: readonly string[]) {
    const what =
      pending.length === 0 ? "nothing is left to do" : `still open: ${pending.join(", ")}`;
    super(
      `nothing has happened for ${STUCK_AFTER_MS} ms of real time, and no retry or timeout is due (${what})`,
    );
    this.name = "NothingLeftToHappen";
  }
}

/** A clock that stands still while code runs and jumps to the next due moment as soon as everything waits for time. */
export class VirtualClock implements Timers {
  readonly startedAtMs: number;
  readonly random: () => number;
  #nowMs: number;
  #pending: Pending[] = [];

  constructor({
    startAt = new Date("2026-01-01T00:00:00.000Z"),
    random = () => 0.5,
  }: ClockOptions = {}) {
    this.startedAtMs = this.#nowMs = startAt.getTime();
    this.random = random;
  }

  now(): number {
    return this.#nowMs;
  }

  after(delayMs: number, callback: () => void): () => void {
    const pending = { at: this.#nowMs + delayMs, callback };
    this.#pending.push(pending);
    return () => {
      this.#pending = this.#pending.filter((other) => other !== pending);
    };
  }

  /**
   * Calls `body` by this clock and waits for what it returns, letting time jump. Rejects as that does.
   *
   * @throws NothingLeftToHappen after four seconds of real time in which nothing did.
   */
  async settle<T>(body: () => T | PromiseLike<T>): Promise<T> {
    const work = new PendingWork(() => currentFrame()?.timers === this);
    let isSettled = false;
    const promise = withTimers(this, async () => body()).finally(() => {
      isSettled = true;
    });
    promise.catch(() => {}); // the caller is handed it, once it has settled
    try {
      await this.#jumpUntil(() => isSettled, work);
    } finally {
      work.stop();
    }
    return promise;
  }

  async #jumpUntil(isSettled: () => boolean, work: PendingWork): Promise<void> {
    let [idleTurns, lastJumpMs] = [0, performance.now()];
    while (!isSettled()) {
      await nextTurn();
      idleTurns = work.isAny() ? 0 : idleTurns + 1;
      if (idleTurns >= IDLE_TURNS && this.#jump()) {
        work.mark();
        [idleTurns, lastJumpMs] = [0, performance.now()];
      } else if (idleTurns === 0 || idleTurns > IDLE_TURNS) await realWait(1);
      const isStuck = this.#pending.length === 0 && performance.now() - lastJumpMs > STUCK_AFTER_MS;
      if (isStuck && !isSettled()) throw new NothingLeftToHappen(work.kinds());
    }
  }

  #jump(): boolean {
    const next = this.#pending.toSorted((one, other) => one.at - other.at)[0];
    if (next === undefined) return false;
    this.#pending = this.#pending.filter((other) => other !== next);
    this.#nowMs = Math.max(this.#nowMs, next.at);
    next.callback();
    return true;
  }
}
