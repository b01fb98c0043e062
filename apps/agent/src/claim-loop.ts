import { randomUUID } from "node:crypto";
import type { Caller } from "@downbeat/client";
import { BATCH_LIMIT, CLAIM_HOLD_SECONDS, type ClaimAnswer, type Lease } from "@downbeat/contract";
import type { Logger } from "pino";
import { backoffMs, NETWORK_BACKOFF } from "./backoff.ts";
import type { Outbox } from "./outbox.ts";
import type { Pace } from "./pace.ts";
import { pause } from "./pause.ts";
import type { PlaneWatch } from "./plane-watch.ts";
import type { RunTable } from "./run-table.ts";
import type { Session } from "./session.ts";

export type ClaimLoopOptions = {
  readonly client: Pick<Caller, "call">;
  readonly session: Session;
  readonly runs: RunTable;
  readonly outbox: Outbox;
  readonly pace: Pace;
  readonly logger: Logger;
  readonly watch: PlaneWatch;
  /** Most runs that execute at once. */
  readonly concurrency: number;
  /** Most leases held beyond that; only as many are as end within a second. */
  readonly prefetch: number;
  readonly onLease: (lease: Lease) => void;
  /** The plane answered before there was work or time was up: it has something else to say. */
  readonly onEarlyAnswer: () => void;
  readonly onDrain: () => void;
};

const FULL_CHECK_MS = 1_000;
// Answering early twice in a row within this time is not news but a plane that cannot hold claims.
const EARLY_PAUSE_MS = 100;

/** Asks for work whenever there is room for it. */
export class ClaimLoop {
  readonly #options: ClaimLoopOptions;
  readonly #stopped = new AbortController();
  #unanswered: { claimRequestId: string; sessionId: string; max: number } | undefined;
  #failures = 0;
  #turns = 0;
  #isAsking = false;
  #running: Promise<void> | undefined;

  constructor(options: ClaimLoopOptions) {
    this.#options = options;
  }

  /** Rises with each turn of the loop. */
  get turns(): number {
    return this.#turns;
  }

  /** Whether a claim is under way: then the plane can reach the agent at once. */
  get isAsking(): boolean {
    return this.#isAsking;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /**
   * Stops asking. A claim under way may have been granted without the answer arriving, so it is asked for once more.
   *
   * @returns leases granted and not begun, to be given back.
   */
  async stop(): Promise<readonly Lease[]> {
    this.#stopped.abort();
    await this.#running;
    if (this.#unanswered === undefined) return [];
    try {
      const body = { ...this.#unanswered, waitSeconds: 0 };
      const { leases } = await this.#options.client.call(
        "claim",
        { body },
        { signal: AbortSignal.timeout(5_000) },
      );
      return leases.filter((lease) => !this.#options.runs.has(lease));
    } catch (error) {
      this.#options.logger.warn(
        { err: error },
        "a claim under way stays unanswered; its leases will lapse",
      );
      return [];
    }
  }

  async #run(): Promise<void> {
    const { outbox, runs } = this.#options;
    while (!this.#stopped.signal.aborted) {
      this.#turns += 1;
      const room = this.#room();
      if (outbox.isFull) await pause(FULL_CHECK_MS, this.#stopped.signal);
      else if (room < this.#worthAsking()) await runs.changed(this.#stopped.signal);
      else await this.#claim(room);
    }
  }

  #room(): number {
    return Math.min(BATCH_LIMIT, this.#limit() - this.#options.runs.size);
  }

  #limit(): number {
    const { concurrency, prefetch, pace } = this.#options;
    return concurrency + Math.min(prefetch, pace.perSecond());
  }

  /** While runs wait here already there is no hurry: a few larger claims instead of many small ones. */
  #worthAsking(): number {
    const { concurrency, runs } = this.#options;
    return runs.size > concurrency ? Math.max(1, Math.min(BATCH_LIMIT, this.#limit() / 4)) : 1;
  }

  async #claim(room: number): Promise<void> {
    const { client, session } = this.#options;
    this.#unanswered ??= { claimRequestId: randomUUID(), sessionId: session.id, max: room };
    const asked = this.#unanswered;
    const waitSeconds = Math.min(CLAIM_HOLD_SECONDS, session.intervals.claimHoldSeconds);
    const askedAtMs = performance.now();
    this.#isAsking = true;
    try {
      const body = { ...asked, waitSeconds };
      const answer = await client.call("claim", { body }, { signal: this.#stopped.signal });
      this.#unanswered = undefined;
      this.#failures = 0;
      this.#options.watch.reached();
      await this.#take(answer, waitSeconds * 1000 - (performance.now() - askedAtMs));
    } catch (error) {
      await this.#afterFailure(error, asked.sessionId);
    } finally {
      this.#isAsking = false;
    }
  }

  async #take(answer: ClaimAnswer, earlyByMs: number): Promise<void> {
    const { onLease, onEarlyAnswer, onDrain, runs } = this.#options;
    for (const lease of answer.leases) if (!runs.has(lease)) onLease(lease);
    if (answer.drain) onDrain();
    if (answer.leases.length > 0 || earlyByMs < 50) return;
    onEarlyAnswer();
    await pause(EARLY_PAUSE_MS, this.#stopped.signal);
  }

  async #afterFailure(error: unknown, sessionId: string): Promise<void> {
    const { watch, session } = this.#options;
    const { signal } = this.#stopped;
    if (signal.aborted) return;
    if (await session.renewAfter(error, sessionId).catch(() => false)) {
      this.#unanswered = undefined;
      return;
    }
    this.#failures += 1;
    watch.failed(error, this.#failures, "work cannot be claimed; trying again");
    await watch.pause(backoffMs(NETWORK_BACKOFF, this.#failures, Math.random), signal);
  }
}
