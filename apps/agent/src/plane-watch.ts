import { pause } from "@downbeat/sdk/protocol";
import type { Logger } from "pino";

/** What all loops know together about whether the plane can be reached: the first to get through wakes the others. */
export class PlaneWatch {
  readonly #logger: Logger;
  #returned = new AbortController();
  #isAway = false;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** A request failed for the `failures`-th time in a row. Logged ever more rarely: an outage may last a day. */
  failed(error: unknown, failures: number, message: string): void {
    this.#isAway = true;
    const isWorthSaying = Number.isInteger(Math.log2(failures));
    this.#logger[isWorthSaying ? "warn" : "debug"]({ err: error, failures }, message);
  }

  /** A request succeeded. */
  reached(): void {
    if (!this.#isAway) return;
    this.#isAway = false;
    this.#logger.info("the plane answers again");
    this.#returned.abort();
    this.#returned = new AbortController();
  }

  /** Resolves after the time, when the plane is back, or when the signal aborts. */
  async pause(delayMs: number, signal?: AbortSignal): Promise<void> {
    const { signal: returned } = this.#returned;
    await pause(delayMs, signal === undefined ? returned : AbortSignal.any([signal, returned]));
  }
}
