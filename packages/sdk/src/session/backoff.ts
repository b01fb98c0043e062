/** How long to wait between tries, in milliseconds. */
export type Backoff = { readonly firstMs: number; readonly maxMs: number };

/** After a call over the network: soon at first, then rarely enough for a day without the plane. */
export const NETWORK_BACKOFF: Backoff = { firstMs: 200, maxMs: 30_000 };

/**
 * Full jitter: uniform between 0 and `min(maxMs, firstMs · 2^failures)`, so that many agents that lost the plane
 * together do not return together.
 *
 * @param failures how many so far, from 0
 * @param random returns a number in [0, 1)
 */
export function backoffMs(backoff: Backoff, failures: number, random: () => number): number {
  const ceilingMs = Math.min(backoff.maxMs, backoff.firstMs * 2 ** Math.min(failures, 30));
  return Math.floor(random() * ceilingMs);
}
