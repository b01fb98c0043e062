import { isDownbeatError } from "@downbeat/contract/errors";
import { sleep, systemTimers } from "../timers.ts";

const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 5_000;

/**
 * Calls until it succeeds, fails for good, or the time is over. Only for what may be asked twice.
 *
 * @throws what `call` threw last, or the signal's reason
 */
export async function insist<T>(
  call: () => Promise<T>,
  { forMs, signal }: { forMs: number; signal?: AbortSignal | undefined },
): Promise<T> {
  const deadlineMs = performance.now() + forMs;
  for (let delayMs = FIRST_DELAY_MS; ; delayMs = Math.min(delayMs * 2, LONGEST_DELAY_MS)) {
    try {
      return await call();
    } catch (error) {
      if (!isDownbeatError(error) || !error.retryable || performance.now() + delayMs > deadlineMs)
        throw error;
      const waitMs = Math.max((error.retryAfterSeconds ?? 0) * 1_000, delayMs * Math.random());
      await sleep(systemTimers, waitMs, signal);
    }
  }
}
