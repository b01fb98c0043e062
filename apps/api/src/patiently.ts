import { setTimeout as pause } from "node:timers/promises";
import { fullJitterMs } from "@downbeat/contract";

const BACKOFF = { firstMs: 100, maxMs: 2_000 };

export type Patience = {
  /** From the first failure on. */
  readonly forMs: number;
  readonly mayPass: (error: unknown) => boolean;
  /** Ends the patience: the next failure counts, also one that is being waited out. */
  readonly signal: AbortSignal;
  /** Monotonic milliseconds; by default the process's. */
  readonly nowMs?: () => number;
  /** Number in [0, 1); by default by chance. */
  readonly random?: () => number;
};

/**
 * Calls until it succeeds, with growing pauses, for a while.
 *
 * @throws what the last call threw
 */
export async function patiently<T>(call: () => Promise<T>, patience: Patience): Promise<T> {
  const {
    forMs,
    mayPass,
    signal,
    nowMs = () => performance.now(),
    random = Math.random,
  } = patience;
  let untilMs: number | undefined;
  for (let failures = 0; ; failures += 1) {
    try {
      return await call();
    } catch (error) {
      untilMs ??= nowMs() + forMs;
      if (!mayPass(error) || signal.aborted || nowMs() >= untilMs) throw error;
      await pause(fullJitterMs(BACKOFF, failures, random), undefined, { signal }).catch(() => {
        throw error; // the caller hung up, or the API is being stopped
      });
    }
  }
}
