import type { RunEnd } from "./worker-process.ts";

// Longer runs cost so much themselves that waking a process for each does not show.
const BRIEF_MS = 2;
// On a busy machine a run may now and then wait for a core; one that took a minute says no more than one that took this long.
const LONGEST_COUNTED_MS = 50;
const SMOOTHING = 0.1;
const RUNS_TO_BELIEVE = 20;
const MOST_REMEMBERED = 1_000;

type Known = { readonly runs: number; readonly averageMs: number };

/**
 * Which flows' runs end within a moment and print nothing. Only such runs are given to a process ahead: nothing waits for long
 * behind them, and nothing they print could be taken for another's.
 */
export class BriefFlows {
  readonly #known = new Map<string, Known>();

  isBrief(flow: string): boolean {
    const { runs, averageMs } = this.#known.get(flow) ?? UNKNOWN;
    return runs >= RUNS_TO_BELIEVE && averageMs < BRIEF_MS;
  }

  ended(flow: string, end: RunEnd, hasPrinted: boolean): void {
    if (end.kind === "returned") return;
    const isSound = end.kind === "finished" && end.outcome.abandoned !== true;
    const tookMs = isSound ? Math.min(LONGEST_COUNTED_MS, end.tookMs) : LONGEST_COUNTED_MS;
    const { runs, averageMs } = this.#known.get(flow) ?? UNKNOWN;
    if (runs === 0 && this.#known.size >= MOST_REMEMBERED) this.#known.clear();
    // What has printed once may print again.
    const believed = hasPrinted ? Number.NEGATIVE_INFINITY : runs + 1;
    this.#known.set(flow, {
      runs: believed,
      averageMs: averageMs + SMOOTHING * (tookMs - averageMs),
    });
  }
}

const UNKNOWN: Known = { runs: 0, averageMs: 0 };
