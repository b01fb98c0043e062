import { fullJitterMs, isDownbeatError, type DownbeatError } from "@downbeat/contract";

/** Most connections in a row over which nothing was answered. */
const MOST_FAILURES = 10;
const BACKOFF = { firstMs: 200, maxMs: 10_000 };

export type StreamFailure = {
  readonly error: unknown;
  /** Whether the API may have taken lines over the connection that failed. */
  readonly mayHaveTaken: boolean;
  readonly areRepeatable: boolean;
  /** Connections in a row, this one included, over which nothing was answered. */
  readonly failures: number;
};

/**
 * How long to wait before the unanswered lines are sent again, in milliseconds; undefined when they must not be, or when
 * it would help no more.
 *
 * @param random number in [0, 1)
 */
export function pauseAfterFailure(
  { error, mayHaveTaken, areRepeatable, failures }: StreamFailure,
  random: () => number,
): number | undefined {
  if (!isDownbeatError(error) || !mayPass(error) || failures > MOST_FAILURES) return undefined;
  if (mayHaveTaken && !areRepeatable) return undefined;
  const askedMs = (error.retryAfterSeconds ?? 0) * 1000;
  return Math.max(askedMs, fullJitterMs(BACKOFF, Math.max(0, failures - 1), random));
}

// An answer that is not the API's is that of a proxy, which has nobody behind it just now.
function mayPass(error: DownbeatError): boolean {
  return error.retryable || error.code === "response_invalid";
}
