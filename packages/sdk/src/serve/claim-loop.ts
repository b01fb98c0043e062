import { randomUUID } from "node:crypto";
import type { Client } from "@downbeat/client";
import { BATCH_LIMIT, CLAIM_HOLD_SECONDS, type ClaimAnswer, type Lease } from "@downbeat/contract";
import { warnOnce } from "../standalone/warn-once.ts";
import { backoffMs } from "./backoff.ts";
import { pause } from "./pause.ts";
import type { ReportQueue } from "./report-queue.ts";
import type { ServeSession } from "./serve-session.ts";
import type { ServedRuns } from "./served-runs.ts";

export type ClaimLoopOptions = {
  readonly client: Pick<Client, "call">;
  readonly session: ServeSession;
  readonly runs: ServedRuns;
  readonly reports: ReportQueue;
  /** Most runs at once. */
  readonly concurrency: number;
  readonly onLease: (lease: Lease) => void;
  /** The plane has something else to say: the heartbeat's answer says it. */
  readonly onEarlyAnswer: () => void;
  readonly onDrain: () => void;
};

const EARLY_PAUSE_MS = 100;
const FULL_CHECK_MS = 1_000;
const LAST_CLAIM_MS = 5_000;

/** Takes as much work as there is room for. */
export class ClaimLoop {
  readonly #options: ClaimLoopOptions;
  readonly #stopped = new AbortController();
  /** A claim without an answer: asked again under the same id, it brings the same leases. */
  #unanswered: { claimRequestId: string; sessionId: string; max: number } | undefined;
  #isAsking = false;
  #failures = 0;
  #turns = 0;
  #running: Promise<void> | undefined;

  constructor(options: ClaimLoopOptions) {
    this.#options = options;
  }

  /** Whether the plane can reach this process right now. */
  get isAsking(): boolean {
    return this.#isAsking;
  }

  get turns(): number {
    return this.#turns;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Stops asking. Resolves with leases that were granted without the answer having arrived, to be given back. */
  async stop(): Promise<readonly Lease[]> {
    this.#stopped.abort();
    await this.#running;
    if (this.#unanswered === undefined) return [];
    const { client, runs } = this.#options;
    const body = { ...this.#unanswered, waitSeconds: 0 };
    const signal = AbortSignal.timeout(LAST_CLAIM_MS);
    const answer = await client.call("claim", { body }, { signal }).catch(() => undefined); // its leases lapse then
    return answer?.leases.filter((lease) => !runs.has(lease)) ?? [];
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    const { concurrency, runs, reports } = this.#options;
    while (!signal.aborted) {
      this.#turns += 1;
      const room = Math.min(BATCH_LIMIT, concurrency - runs.size);
      if (reports.isFull) await pause(FULL_CHECK_MS, signal);
      else if (room <= 0) await pause(FULL_CHECK_MS, AbortSignal.any([signal, runs.nextChange()]));
      else await this.#claim(room);
    }
  }

  async #claim(room: number): Promise<void> {
    const { client, session } = this.#options;
    this.#unanswered ??= { claimRequestId: randomUUID(), sessionId: session.id, max: room };
    const asked = this.#unanswered;
    const waitSeconds = Math.min(CLAIM_HOLD_SECONDS, session.intervals.claimHoldSeconds);
    const dueMs = performance.now() + waitSeconds * 1_000;
    this.#isAsking = true;
    try {
      const body = { ...asked, waitSeconds };
      const answer = await client.call("claim", { body }, { signal: this.#stopped.signal });
      this.#unanswered = undefined;
      this.#failures = 0;
      await this.#take(answer, dueMs - performance.now());
    } catch (error) {
      await this.#afterFailure(error, asked.sessionId);
    } finally {
      this.#isAsking = false;
    }
  }

  async #take({ leases, drain }: ClaimAnswer, earlyByMs: number): Promise<void> {
    const { onLease, onEarlyAnswer, onDrain } = this.#options;
    for (const lease of leases) onLease(lease);
    if (drain) onDrain();
    if (leases.length > 0 || earlyByMs < 50) return;
    onEarlyAnswer();
    await pause(EARLY_PAUSE_MS, this.#stopped.signal);
  }

  async #afterFailure(error: unknown, sessionId: string): Promise<void> {
    const { signal } = this.#stopped;
    if (signal.aborted) return;
    if (await this.#options.session.renewAfter(error, sessionId)) {
      this.#unanswered = undefined;
      return;
    }
    warnOnce("work cannot be claimed; trying again", error);
    await pause(backoffMs((this.#failures += 1)), signal);
  }
}
