import { fullJitterMs, type HeartbeatAnswer, type Lease, type RunInput } from "@downbeat/contract";
import { pause } from "./pause.ts";
import type { SessionLink } from "./session-link.ts";

/** A leased run, as far as heartbeats are concerned. */
export type HeldRun = {
  readonly lease: Pick<Lease, "runId" | "epoch">;
  /** The key of the pause point at which it waits. */
  readonly awaits?: string | undefined;
  cancel(): void;
  fence(): void;
  /** Someone gave what the run waits for. */
  resume?(given: RunInput): unknown;
};

export type HeartbeatLoopOptions = SessionLink & {
  readonly runs: {
    readonly size: number;
    all(): readonly HeldRun[];
    get(runId: string): HeldRun | undefined;
  };
  /** Rises as long as this process gets anywhere. */
  readonly tick: () => number;
  /** While false the plane cannot reach this process through a held claim, so it asks more often. */
  readonly isAsking: () => boolean;
  /** When the claim under way is overdue, in monotonic milliseconds, if it is a heartbeat too. */
  readonly carriedUntilMs: () => number | undefined;
  /** Longest wait between beats while the plane is away, in milliseconds: they find out that it is back. */
  readonly awayBeatMs: number;
  readonly onDrain: () => void;
  /** A beat sent then has renewed the session's lease. */
  readonly onRenewed: (sentAtMs: number, leaseSeconds: number) => void;
};

// Without a held claim this is how late a cancellation arrives.
const UNREACHED_BEAT_MS = 2_000;
const BEAT_TIMEOUT_MS = 10_000;
const FIRST_BACKOFF_MS = 250;

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

  /** A claim that was sent then, with that tick, was a heartbeat too. */
  carried(tick: number, sentAtMs: number): void {
    this.#renewed(tick, sentAtMs, this.#options.session.intervals.leaseSeconds);
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
      const leftMs = Math.max(dueMs, this.#carriedUntilMs()) - performance.now();
      if (leftMs <= 0 || this.#hurry.signal.aborted || this.#stopped.signal.aborted) return;
      await pause(Math.min(leftMs, UNREACHED_BEAT_MS), this.#hurry.signal);
      if (this.#options.runs.size > 0 && !this.#options.isAsking() && this.#failures === 0) return;
    }
  }

  /**
   * Until when a claim stands in for beats. Only while no run is held: a lease of a run must not be as old as a claim
   * may become, so the first run brings the beats back.
   */
  #carriedUntilMs(): number {
    const { runs, carriedUntilMs } = this.#options;
    return runs.size > 0 || this.#failures > 0 ? 0 : (carriedUntilMs() ?? 0);
  }

  #intervalMs(): number {
    const { session, awayBeatMs } = this.#options;
    const everyMs = session.intervals.heartbeatSeconds * 1000;
    if (this.#failures === 0) return everyMs;
    const backoff = { firstMs: FIRST_BACKOFF_MS, maxMs: Math.min(awayBeatMs, everyMs) };
    return fullJitterMs(backoff, this.#failures, Math.random);
  }

  async #beat(): Promise<void> {
    const { client, session, runs, watch } = this.#options;
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
      this.#renewed(tick, sentAtMs, answer.intervals.leaseSeconds);
      this.#heed(answer, held);
    } catch (error) {
      if (this.#stopped.signal.aborted) return;
      this.#failures += 1;
      watch.failed(error, this.#failures, "heartbeat failed; running flows go on");
      await session.renewAfter(error, sessionId).catch(() => false);
    }
  }

  /** The plane renews nothing for a tick that it knows. */
  #renewed(tick: number, sentAtMs: number, leaseSeconds: number): void {
    if (tick > this.#lastTick) this.#options.onRenewed(sentAtMs, leaseSeconds);
    this.#lastTick = Math.max(this.#lastTick, tick);
  }

  #heed(answer: HeartbeatAnswer, held: readonly { runId: string; epoch: number }[]): void {
    const { runs, onDrain } = this.#options;
    for (const runId of answer.cancel) runs.get(runId)?.cancel();
    for (const runId of answer.fenced) this.#fence(runId, held);
    for (const { runId, ...given } of answer.inputs) void runs.get(runId)?.resume?.(given);
    if (answer.drain) onDrain();
  }

  // The answer is about the epochs asked for: the run may have been claimed anew meanwhile.
  #fence(runId: string, asked: readonly { runId: string; epoch: number }[]): void {
    const run = this.#options.runs.get(runId);
    const epoch = asked.find((entry) => entry.runId === runId)?.epoch;
    if (run?.lease.epoch === epoch) run?.fence();
  }
}
