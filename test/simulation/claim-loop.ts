import type { Fence } from "@downbeat/testkit/history";
import type { AgentProcess } from "./agent-process.ts";
import type { RunTable } from "./held-run.ts";
import type { Ending } from "./network.ts";
import type { Session } from "./session.ts";
import type { Leased } from "./store.ts";

export type ClaimLoopParts = {
  readonly process: AgentProcess;
  readonly session: Session;
  readonly runs: RunTable;
  readonly capacity: number;
  readonly onLease: (lease: Leased) => void;
  readonly onEarlyAnswer: () => void;
  /** What a heartbeat would say now, while no run is held: the claim then says it. */
  readonly idleTick: () => number | undefined;
};

type Unanswered = {
  readonly claimRequestId: string;
  readonly sessionId: string;
  readonly max: number;
};

type Times = {
  readonly waitMs: number;
  readonly timeoutMs: number;
  readonly idleTick?: number | undefined;
};

const HOLD_MS = 25_000;
// A claim that is a heartbeat too is overdue after this many times its wait.
const OVERDUE_AFTER_WAITS = 1.1;
const GRACE_MS = 10_000;
const LAST_CLAIM_TIMEOUT_MS = 5_000;
const EARLY_PAUSE_MS = 100;

/** Asks for work whenever there is room; a claim without an answer is repeated under its id until it has one. */
export class ClaimLoop {
  readonly #parts: ClaimLoopParts;
  #unanswered: Unanswered | undefined;
  #hangUp: (() => void) | undefined;
  #failures = 0;
  #carriesUntilMs: number | undefined;
  #isWaiting = false;
  #isStopped = false;

  constructor(parts: ClaimLoopParts) {
    this.#parts = parts;
  }

  get isAsking(): boolean {
    return this.#hangUp !== undefined;
  }

  /** When the claim under way is overdue, if it is a heartbeat too. */
  get carriesUntilMs(): number | undefined {
    return this.#carriesUntilMs;
  }

  start(): void {
    this.#turn();
  }

  roomChanged(): void {
    if (this.#isWaiting) this.#turn();
  }

  /** Stops asking. A claim under way is asked for once more; `then` gets what was granted and never seen. */
  stop(then: (unseen: readonly Fence[]) => void): void {
    this.#isStopped = true;
    this.#hangUp?.();
    this.#hangUp = undefined;
    const asked = this.#unanswered;
    if (asked === undefined) return then([]);
    this.#ask(asked, { waitMs: 0, timeoutMs: LAST_CLAIM_TIMEOUT_MS }, (ending) => {
      const leases = "ok" in ending ? ending.ok.leases : [];
      then(leases.filter((lease) => !this.#parts.runs.has(lease)));
    });
  }

  #turn(): void {
    const { runs, capacity, session, process } = this.#parts;
    const room = capacity - runs.size;
    this.#isWaiting = room <= 0;
    if (this.#isStopped || room <= 0) return;
    this.#unanswered ??= {
      claimRequestId: process.world.random.uuid(),
      sessionId: session.id,
      max: room,
    };
    const asked = this.#unanswered;
    const askedAtMs = process.world.timeline.nowMs;
    const idleTick = this.#parts.idleTick();
    const waitMs = idleTick === undefined ? HOLD_MS : process.world.heartbeatMs;
    this.#carriesUntilMs =
      idleTick === undefined ? undefined : askedAtMs + waitMs * OVERDUE_AFTER_WAITS;
    const times = { waitMs, timeoutMs: HOLD_MS + GRACE_MS, idleTick };
    this.#hangUp = this.#ask(asked, times, (ending) => {
      if (this.#isStopped) return;
      this.#hangUp = undefined;
      this.#carriesUntilMs = undefined;
      this.#answered(ending, asked, askedAtMs + waitMs);
    });
  }

  #answered(ending: Ending<"claim">, { sessionId }: Unanswered, untilMs: number): void {
    const { process, session, onEarlyAnswer } = this.#parts;
    if ("ok" in ending) {
      const { leases } = ending.ok;
      this.#unanswered = undefined;
      this.#failures = 0;
      this.#take(leases);
      const isEarly = leases.length === 0 && process.world.timeline.nowMs < untilMs - 50;
      if (!isEarly) return this.#turn();
      onEarlyAnswer();
      process.after(EARLY_PAUSE_MS, () => this.#turn());
    } else if ("error" in ending) {
      this.#unanswered = undefined;
      session.renew(sessionId, () => this.#turn());
    } else process.backOff(this.#failures++, () => this.#turn());
  }

  #take(leases: readonly Leased[]): void {
    const { runs, onLease } = this.#parts;
    for (const lease of leases) if (!runs.has(lease)) onLease(lease);
  }

  #ask(
    asked: Unanswered,
    { waitMs, timeoutMs, idleTick }: Times,
    done: (ending: Ending<"claim">) => void,
  ): () => void {
    const { claimRequestId, sessionId } = asked;
    const logged = {
      input: { sessionId, claimRequestId },
      toOutput: ({ leases }: { leases: readonly Leased[] }) => ({ leases: leases.map(fenceOf) }),
    };
    const input = { ...asked, waitMs, ...(idleTick !== undefined && { idleTick }) };
    return this.#parts.process.ask({ op: "claim", input, timeoutMs, logged }, done);
  }
}

function fenceOf({ runId, epoch, leaseToken }: Leased): Fence {
  return { runId, epoch, leaseToken };
}
