import { randomUUID } from "node:crypto";
import {
  CLAIM_HOLD_SECONDS,
  fullJitterMs,
  leasesOf,
  type Backoff,
  type ClaimAnswer,
  type Lease,
} from "@downbeat/contract";
import { pause } from "./pause.ts";
import type { SessionLink } from "./session-link.ts";

export type ClaimLoopOptions = SessionLink & {
  /** How long to wait after claims that failed. */
  readonly backoff: Backoff;
  /** How many more leases are worth asking for right now; from 0, at most a batch. */
  readonly room: () => number;
  /** Resolves when it is worth asking for room again, or the signal aborts. */
  readonly roomChange: (signal: AbortSignal) => Promise<void>;
  /** Whether this very lease is held; a retried claim may hand it out twice. */
  readonly holds: (lease: Lease) => boolean;
  readonly onLease: (lease: Lease) => void;
  /** The plane answered before there was work or time was up: it has something else to say. */
  readonly onEarlyAnswer: () => void;
  readonly onDrain: () => void;
  /** While no run is held, what a heartbeat would say now: the claim then says it. Undefined while some is. */
  readonly idleTick: () => number | undefined;
  /** A claim that was a heartbeat too, sent then, has been answered. */
  readonly onCarried: (tick: number, sentAtMs: number) => void;
};

// Answering early twice in a row within this time is not news but a plane that cannot hold claims.
const EARLY_PAUSE_MS = 100;
const LAST_CLAIM_MS = 5_000;
// When the plane has given all it had, asking again can wait until the start of what it gave is on its way.
const STARTS_FIRST_MS = 5;
// A claim that is a heartbeat too is overdue after this many times its wait. The one before it renewed the lease when it
// was sent, two waits of a third of a lease ago: if a beat is lost as well, the next still comes in time.
const OVERDUE_AFTER_WAITS = 1.1;

/** Asks for work whenever there is room for it. */
export class ClaimLoop {
  readonly #options: ClaimLoopOptions;
  readonly #stopped = new AbortController();
  /** A claim without an answer: asked again under the same id, it brings the same leases. */
  #unanswered: { claimRequestId: string; sessionId: string; max: number } | undefined;
  #failures = 0;
  #turns = 0;
  #isAsking = false;
  #carriesUntilMs: number | undefined;
  #running: Promise<void> | undefined;

  constructor(options: ClaimLoopOptions) {
    this.#options = options;
  }

  /** Rises with each turn of the loop. */
  get turns(): number {
    return this.#turns;
  }

  /** Whether a claim is under way: then the plane can reach this process at once. */
  get isAsking(): boolean {
    return this.#isAsking;
  }

  /** When the claim under way is overdue, in monotonic milliseconds, if it is a heartbeat too. */
  get carriesUntilMs(): number | undefined {
    return this.#carriesUntilMs;
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
    const { client, watch, holds } = this.#options;
    try {
      const body = { ...this.#unanswered, waitSeconds: 0 };
      const signal = AbortSignal.timeout(LAST_CLAIM_MS);
      const answer = await client.call("claim", { body }, { signal });
      return leasesOf(answer).filter((lease) => !holds(lease));
    } catch (error) {
      watch.failed(error, 1, "a claim under way stays unanswered; its leases will lapse");
      return [];
    }
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    const { room: roomNow, roomChange } = this.#options;
    while (!signal.aborted) {
      this.#turns += 1;
      const room = roomNow();
      if (room > 0) await this.#claim(room);
      else await roomChange(signal);
    }
  }

  async #claim(room: number): Promise<void> {
    const { client, session, watch } = this.#options;
    this.#unanswered ??= { claimRequestId: randomUUID(), sessionId: session.id, max: room };
    const asked = this.#unanswered;
    const [askedAtMs, idleTick] = [performance.now(), this.#options.idleTick()];
    const waitSeconds = this.#waitSeconds(idleTick !== undefined);
    this.#isAsking = true;
    if (idleTick !== undefined)
      this.#carriesUntilMs = askedAtMs + waitSeconds * 1000 * OVERDUE_AFTER_WAITS;
    try {
      const body = { ...asked, waitSeconds, ...(idleTick !== undefined && { idleTick }) };
      const answer = await client.call("claim", { body }, { signal: this.#stopped.signal });
      this.#unanswered = undefined;
      this.#failures = 0;
      watch.reached();
      if (idleTick !== undefined) this.#options.onCarried(idleTick, askedAtMs);
      await this.#take(answer, asked.max, waitSeconds * 1000 - (performance.now() - askedAtMs));
    } catch (error) {
      await this.#afterFailure(error, asked.sessionId);
    } finally {
      this.#isAsking = false;
      this.#carriesUntilMs = undefined;
    }
  }

  #waitSeconds(isHeartbeat: boolean): number {
    const { claimHoldSeconds, heartbeatSeconds } = this.#options.session.intervals;
    const heldSeconds = Math.min(CLAIM_HOLD_SECONDS, claimHoldSeconds);
    return isHeartbeat ? Math.min(heldSeconds, heartbeatSeconds) : heldSeconds;
  }

  async #take(answer: ClaimAnswer, max: number, earlyByMs: number): Promise<void> {
    const { onLease, onEarlyAnswer, onDrain, holds } = this.#options;
    const leases = leasesOf(answer);
    for (const lease of leases) if (!holds(lease)) onLease(lease);
    if (answer.drain) onDrain();
    if (leases.length >= max) return;
    if (leases.length > 0) return pause(STARTS_FIRST_MS, this.#stopped.signal);
    if (earlyByMs < 50) return;
    onEarlyAnswer();
    await pause(EARLY_PAUSE_MS, this.#stopped.signal);
  }

  async #afterFailure(error: unknown, sessionId: string): Promise<void> {
    const { watch, session, backoff } = this.#options;
    const { signal } = this.#stopped;
    if (signal.aborted) return;
    if (await session.renewAfter(error, sessionId).catch(() => false)) {
      this.#unanswered = undefined;
      return;
    }
    this.#failures += 1;
    watch.failed(error, this.#failures, "work cannot be claimed; trying again");
    await watch.pause(fullJitterMs(backoff, this.#failures, Math.random), signal);
  }
}
