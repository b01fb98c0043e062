/** How long to wait between tries, in milliseconds. */
export type BackoffPolicy = { readonly firstMs: number; readonly maxMs: number };

/**
 * Full-jitter exponential backoff: uniform between 0 and `min(maxMs, firstMs · 2^attempt)`, so that many callers who
 * failed together do not return together.
 *
 * @param attempt counts failures so far, from 0
 * @param random returns a number in [0, 1)
 */
export function fullJitterMs(policy: BackoffPolicy, attempt: number, random: () => number): number {
  const ceilingMs = Math.min(policy.maxMs, policy.firstMs * 2 ** Math.min(attempt, 30));
  return Math.floor(random() * ceilingMs);
}
