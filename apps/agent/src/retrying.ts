import { fullJitterMs, isDownbeatError, mayPass, type Backoff } from "@downbeat/contract";
import type { PlaneWatch } from "./plane-watch.ts";

/** After a call over the network: soon at first, then rarely enough for a day without the plane. */
export const NETWORK_BACKOFF: Backoff = { firstMs: 200, maxMs: 30_000 };

export type RetryOptions = {
  readonly watch: PlaneWatch;
  /** What cannot be done while it fails, for the log. */
  readonly failure: string;
  readonly signal?: AbortSignal | undefined;
  readonly random?: () => number;
  readonly backoff?: Backoff;
  /** Which errors are worth another try. Default {@link mayPass}. */
  readonly isWorthRetrying?: (error: unknown) => boolean;
};

/**
 * Calls until it succeeds, with full-jitter backoff; only errors that may pass are tried again.
 *
 * @throws what `call` throws when that will not pass, or when the signal has aborted.
 */
export async function retrying<T>(call: () => Promise<T>, options: RetryOptions): Promise<T> {
  const { watch, failure, signal, random = Math.random, backoff = NETWORK_BACKOFF } = options;
  const isWorthRetrying = options.isWorthRetrying ?? mayPass;
  for (let failures = 0; ; failures += 1) {
    try {
      const result = await call();
      watch.reached();
      return result;
    } catch (error) {
      if (isAborted(signal) || !isWorthRetrying(error)) throw error;
      watch.failed(error, failures + 1, failure);
      await watch.pause(waitMs(error, backoff, failures, random), signal);
      if (isAborted(signal)) throw error;
    }
  }
}

function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

function waitMs(error: unknown, backoff: Backoff, failures: number, random: () => number): number {
  const asked = isDownbeatError(error) ? (error.retryAfterSeconds ?? 0) * 1000 : 0;
  return Math.max(asked, fullJitterMs(backoff, failures, random));
}
