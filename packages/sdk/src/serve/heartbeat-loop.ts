import type { Client } from "@downbeat/client";
import { backoffMs } from "./backoff.ts";
import { pause } from "./pause.ts";
import type { ServeKeys } from "./serve-keys.ts";
import type { ServeSession } from "./serve-session.ts";
import type { ServedRuns } from "./served-runs.ts";

export type HeartbeatLoopOptions = {
  readonly client: Pick<Client, "call">;
  readonly session: ServeSession;
  readonly runs: ServedRuns;
  readonly keys: Pick<ServeKeys, "tend">;
  /** Rises as long as this process gets anywhere. */
  readonly tick: () => number;
  /** While false the plane cannot reach this process through a held claim, so it asks more often. */
  readonly isAsking: () => boolean;
  readonly onDrain: () => void;
};

// Without a held claim this is how late a cancellation arrives.
const UNREACHED_BEAT_MS = 2_000;
const BEAT_TIMEOUT_MS = 10_000;

/** Keeps the leases alive, and hears of cancellations and lost leases. */
export class HeartbeatLoop {
  readonly #options: HeartbeatLoopOptions;
  readonly #stopped = new AbortController();
  #hurry = new AbortController();
  #failures = 0;
  #running: Promise<void> | undefined;

  constructor(options: HeartbeatLoopOptions) {
    this.#options = options;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Beats at once. */
  beatNow(): void {
    this.#hurry.abort();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#hurry.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      this.#hurry = new AbortController();
      await this.#beat();
      await this.#untilNext();
    }
  }

  async #untilNext(): Promise<void> {
    const everyMs = this.#options.session.intervals.heartbeatSeconds * 1_000;
    const waitMs = this.#failures === 0 ? everyMs : Math.min(everyMs, backoffMs(this.#failures));
    const dueMs = performance.now() + waitMs;
    for (;;) {
      const leftMs = dueMs - performance.now();
      if (leftMs <= 0 || this.#hurry.signal.aborted || this.#stopped.signal.aborted) return;
      await pause(Math.min(leftMs, UNREACHED_BEAT_MS), this.#hurry.signal);
      const { runs, isAsking } = this.#options;
      if (runs.size > 0 && !isAsking() && this.#failures === 0) return;
    }
  }

  async #beat(): Promise<void> {
    const { client, session, runs, keys, onDrain, tick } = this.#options;
    const sessionId = session.id;
    const held = runs.all().map(({ lease: { runId, epoch } }) => ({ runId, epoch }));
    const body = { sessionId, tick: tick(), runs: held };
    const signal = AbortSignal.any([this.#stopped.signal, AbortSignal.timeout(BEAT_TIMEOUT_MS)]);
    try {
      const answer = await client.call("heartbeat", { body }, { signal });
      this.#failures = 0;
      session.intervals = answer.intervals;
      for (const runId of answer.cancel) runs.get(runId)?.cancel();
      for (const runId of answer.fenced) this.#fence(runId, held);
      if (answer.drain) onDrain();
      void keys.tend();
    } catch (error) {
      this.#failures += 1;
      await session.renewAfter(error, sessionId);
    }
  }

  // The answer is about the epochs asked for: the run may have been claimed anew meanwhile.
  #fence(runId: string, asked: readonly { runId: string; epoch: number }[]): void {
    const run = this.#options.runs.get(runId);
    const epoch = asked.find((entry) => entry.runId === runId)?.epoch;
    if (run?.lease.epoch === epoch) run?.fence();
  }
}
