import { isDownbeatError } from "@downbeat/contract";

const MOST_RETRIES = 3;

/** Whether a failed query is asked again: only when the very same request may succeed later. */
export function shouldRetry(failureCount: number, error: unknown): boolean {
  return failureCount < MOST_RETRIES && isDownbeatError(error) && error.retryable;
}

/** Doubling from half a second to at most ten, or as long as the server asks for. */
export function retryDelayMs(failureCount: number, error: unknown): number {
  if (isDownbeatError(error) && error.retryAfterSeconds !== undefined) {
    return error.retryAfterSeconds * 1000;
  }
  return Math.min(10_000, 500 * 2 ** failureCount);
}
