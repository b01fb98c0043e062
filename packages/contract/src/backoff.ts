/** How long to wait between tries, in milliseconds. */
export type Backoff = { readonly firstMs: number; readonly maxMs: number };

/**
 * How long whoever asks again waits before it, in milliseconds, with full jitter: uniform between 0 and
 * `min(maxMs, firstMs · 2^failures)`, so that many callers who failed together do not return together.
 *
 * @param failures how many so far, from 0
 * @param random returns a number in [0, 1)
 */
export function fullJitterMs(backoff: Backoff, failures: number, random: () => number): number {
  const ceilingMs = Math.min(backoff.maxMs, backoff.firstMs * 2 ** Math.min(failures, 30));
  return Math.floor(random() * ceilingMs);
}
