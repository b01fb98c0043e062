const FIRST_MS = 250;
const LONGEST_MS = 10_000;

/** How long to wait after so many failures in a row, from 1: somewhere between nothing and twice as long each time. */
export function backoffMs(failures: number): number {
  return Math.random() * Math.min(FIRST_MS * 2 ** failures, LONGEST_MS);
}
