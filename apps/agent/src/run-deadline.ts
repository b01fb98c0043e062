import type { WorkerEvent } from "./launchers/worker-message.ts";

export type RunDeadlineOptions = {
  /** Of the deployment, for the whole attempt; null: none. */
  readonly timeoutSeconds: number | null;
  /** How much longer than its own limit a flow may take: the worker ends it by itself unless its event loop is blocked. */
  readonly graceMs: number;
  /** Is called once, with the limit that was passed. */
  readonly onOverdue: (limitMs: number) => void;
};

/** The worker stops a flow at its limit by itself, and gives code that heeds its signal a second. */
export const ATTEMPT_GRACE_MS = 2_000;
// Longer delays overflow Node's timers, which would then fire at once.
const LONGEST_DELAY_MS = 2_147_483_647;

/**
 * The time limits of one run's process: the deployment's, from when user code begins, and the flow's own for each of its
 * attempts in the process. The worker keeps the second itself while its event loop turns; this one holds against code
 * that never yields.
 */
export class RunDeadline {
  readonly #options: RunDeadlineOptions;
  #attemptMs: number | undefined;
  #whole: NodeJS.Timeout | undefined;
  #attempt: NodeJS.Timeout | undefined;

  constructor(options: RunDeadlineOptions) {
    this.#options = options;
  }

  /** @param attemptMs the flow's own limit for one attempt */
  started(attemptMs: number | undefined): void {
    const { timeoutSeconds } = this.#options;
    this.stop();
    this.#attemptMs = attemptMs;
    if (timeoutSeconds !== null) this.#whole = this.#after(timeoutSeconds * 1000, 0);
    this.#restartAttempt();
  }

  /** Hears of retries in the process: each has the flow's limit to itself, and the wait between them has none. */
  heard(events: readonly WorkerEvent[]): void {
    for (const event of events) {
      if (event.kind !== "flow_state") continue;
      if (event.state.name === "Retrying") clearTimeout(this.#attempt);
      else this.#restartAttempt();
    }
  }

  stop(): void {
    clearTimeout(this.#whole);
    clearTimeout(this.#attempt);
  }

  #restartAttempt(): void {
    clearTimeout(this.#attempt);
    if (this.#attemptMs === undefined) return;
    this.#attempt = this.#after(this.#attemptMs, this.#options.graceMs);
  }

  #after(limitMs: number, graceMs: number): NodeJS.Timeout {
    const overdue = (): void => {
      this.stop();
      this.#options.onOverdue(limitMs);
    };
    return setTimeout(overdue, Math.min(limitMs + graceMs, LONGEST_DELAY_MS));
  }
}
