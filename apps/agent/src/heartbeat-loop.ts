import type { Caller } from "@downbeat/client";
import { backoffMs } from "./backoff.ts";
import { pause } from "./pause.ts";
import type { PlaneWatch } from "./plane-watch.ts";
import type { RunTable } from "./run-table.ts";
import type { Session } from "./session.ts";

export type HeartbeatLoopOptions = {
  readonly client: Pick<Caller, "call">;
  readonly session: Session;
  readonly runs: RunTable;
  readonly watch: PlaneWatch;
  /** Rises as long as the agent's loops turn. */
  readonly tick: () => number;
  /** While false the plane cannot reach the agent through a held claim, so it asks more often. */
  readonly isAsking: () => boolean;
  readonly onDrain: () => void;
  /** A beat sent then has renewed the session's lease. */
  readonly onRenewed: (sentAtMs: number, leaseSeconds: number) => void;
};

// Without a held claim this is how late a cancellation arrives.
const UNREACHED_BEAT_MS = 2_000;
// While the plane is away heartbeats are what finds out that it is back.
const AWAY_BEAT_MS = 5_000;
const BEAT_TIMEOUT_MS = 10_000;

/** Keeps the leases alive, and hears of cancellations and lost leases. */
export class HeartbeatLoop {
  readonly #options: HeartbeatLoopOptions;
  readonly #stopped = new AbortController();
  #hurry = new AbortController();
  #failures = 0;
  #lastTick = -1;
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
    const dueMs = performance.now() + this.#intervalMs();
    for (;;) {
      const leftMs = dueMs - performance.now();
      if (leftMs <= 0 || this.#hurry.signal.aborted || this.#stopped.signal.aborted) return;
      await pause(Math.min(leftMs, UNREACHED_BEAT_MS), this.#hurry.signal);
      if (this.#options.runs.size > 0 && !this.#options.isAsking() && this.#failures === 0) return;
    }
  }

  #intervalMs(): number {
    const { heartbeatSeconds } = this.#options.session.intervals;
    if (this.#failures === 0) return heartbeatSeconds * 1000;
    const maxMs = Math.min(AWAY_BEAT_MS, heartbeatSeconds * 1000);
    return backoffMs({ firstMs: 250, maxMs }, this.#failures, Math.random);
  }

  async #beat(): Promise<void> {
    const { client, session, runs, watch, onDrain, onRenewed } = this.#options;
    const sessionId = session.id;
    const held = runs.all().map(({ lease: { runId, epoch }, awaits }) => ({
      runId,
      epoch,
      ...(awaits !== undefined && { awaits }),
    }));
    const signal = AbortSignal.any([this.#stopped.signal, AbortSignal.timeout(BEAT_TIMEOUT_MS)]);
    try {
      const [tick, sentAtMs] = [this.#options.tick(), performance.now()];
      const body = { sessionId, tick, runs: held };
      const answer = await client.call("heartbeat", { body }, { signal });
      watch.reached();
      this.#failures = 0;
      session.intervals = answer.intervals;
      // The plane renews nothing for a tick that it knows.
      if (tick > this.#lastTick) onRenewed(sentAtMs, answer.intervals.leaseSeconds);
      this.#lastTick = Math.max(this.#lastTick, tick);
      for (const runId of answer.cancel) runs.get(runId)?.cancel();
      for (const runId of answer.fenced) this.#fence(runId, held);
      for (const { runId, ...given } of answer.inputs) void runs.get(runId)?.resume(given);
      if (answer.drain) onDrain();
    } catch (error) {
      if (this.#stopped.signal.aborted) return;
      this.#failures += 1;
      watch.failed(error, this.#failures, "heartbeat failed; running flows go on");
      await session.renewAfter(error, sessionId).catch(() => false);
    }
  }

  // The answer is about the epochs asked for: the run may have been claimed anew meanwhile.
  #fence(runId: string, asked: readonly { runId: string; epoch: number }[]): void {
    const supervisor = this.#options.runs.get(runId);
    const epoch = asked.find((entry) => entry.runId === runId)?.epoch;
    if (supervisor !== undefined && supervisor.lease.epoch === epoch) supervisor.fence();
  }
}
