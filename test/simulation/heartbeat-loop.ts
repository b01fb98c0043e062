import type { AgentProcess } from "./agent-process.ts";
import type { RunTable } from "./held-run.ts";
import type { Ending } from "./network.ts";
import type { Protocol } from "./plane.ts";
import type { RunSupervisor } from "./run-supervisor.ts";
import type { Session } from "./session.ts";
import type { Cancel } from "./timeline.ts";

export type HeartbeatLoopParts = {
  readonly process: AgentProcess;
  readonly session: Session;
  readonly runs: RunTable;
  readonly supervisor: RunSupervisor;
  /** While false the plane cannot reach the agent through a held claim. */
  readonly isAsking: () => boolean;
  /** When the claim under way is overdue, if it is a heartbeat too. */
  readonly carriedUntilMs: () => number | undefined;
};

const UNREACHED_BEAT_MS = 2_000;
const AWAY_BEAT_MS = 5_000;
const BEAT_TIMEOUT_MS = 10_000;

/** Keeps the leases alive, and hears of cancellations and lost leases. */
export class HeartbeatLoop {
  readonly #parts: HeartbeatLoopParts;
  #tick = 0;
  #failures = 0;
  #isBeating = false;
  #isStopped = false;
  #cancelNext: Cancel = () => {};

  constructor(parts: HeartbeatLoopParts) {
    this.#parts = parts;
  }

  start(): void {
    this.beatNow();
  }

  /** What the next beat says: each says more than any before. */
  nextTick(): number {
    return (this.#tick += 1);
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelNext();
  }

  beatNow(): void {
    if (this.#isBeating || this.#isStopped) return;
    this.#cancelNext();
    this.#beat();
  }

  #beat(): void {
    const { process, session, runs } = this.#parts;
    this.#isBeating = true;
    const sessionId = session.id;
    const held = runs
      .all()
      .map(({ lease: { runId, epoch }, awaits }) => ({ runId, epoch, awaits }));
    const input = { sessionId, tick: this.nextTick(), runs: held };
    const logged = {
      input: { sessionId, runIds: held.map(({ runId }) => runId) },
      toOutput: ({ cancel, fenced }: Protocol["heartbeat"][1]) => ({ cancel, fenced }),
    };
    process.ask({ op: "heartbeat", input, timeoutMs: BEAT_TIMEOUT_MS, logged }, (ending) => {
      this.#isBeating = false;
      this.#hear(ending, sessionId, new Map(held.map(({ runId, epoch }) => [runId, epoch])));
      if (!this.#isStopped) this.#planNext();
    });
  }

  #hear(ending: Ending<"heartbeat">, sessionId: string, asked: ReadonlyMap<string, number>): void {
    const { session, runs, supervisor } = this.#parts;
    this.#failures = "ok" in ending ? 0 : this.#failures + 1;
    if ("error" in ending) session.renew(sessionId, () => {});
    if (!("ok" in ending)) return;
    for (const runId of ending.ok.cancel) supervisor.cancel(runs.get(runId));
    for (const { runId, point } of ending.ok.inputs) supervisor.resume(runs.get(runId), point);
    for (const runId of ending.ok.fenced) {
      // The answer is about the epochs asked for: the run may have been claimed anew meanwhile.
      const held = runs.get(runId);
      if (held?.lease.epoch === asked.get(runId)) supervisor.fence(held);
    }
  }

  #planNext(): void {
    const { process, runs, isAsking } = this.#parts;
    if (this.#failures > 0) {
      this.#cancelNext = process.backOff(this.#failures, () => this.beatNow(), AWAY_BEAT_MS);
      return;
    }
    const isUnreached = runs.size > 0 && !isAsking();
    const { heartbeatMs } = process.world;
    const waitMs = isUnreached ? UNREACHED_BEAT_MS : heartbeatMs;
    this.#cancelNext = process.after(waitMs, () => this.#beatUnlessCarried());
  }

  #beatUnlessCarried(): void {
    const leftMs = this.#carriedForMs();
    if (leftMs <= 0) return this.beatNow();
    const waitMs = Math.min(leftMs, UNREACHED_BEAT_MS);
    this.#cancelNext = this.#parts.process.after(waitMs, () => this.#beatUnlessCarried());
  }

  /** A claim stands in for beats while nothing is held. */
  #carriedForMs(): number {
    const { process, runs, carriedUntilMs } = this.#parts;
    return runs.size > 0 ? 0 : (carriedUntilMs() ?? 0) - process.world.timeline.nowMs;
  }
}
