import { decideTransitions, retryAfter, type Proposal } from "@downbeat/core";
import type { Actor } from "@downbeat/contract";
import { isLive, move, snapshotOf, unspent, type MemoryRun, type Move } from "./memory-run.ts";
import { AWAITING_RETRY } from "./moves.ts";
import type { Mutations } from "./mutation.ts";
import type { Moved, Outcome } from "./store.ts";

export type By = { readonly actor: Actor; readonly nowMs: number };

export type MemoryRunsOptions = {
  readonly random: { uuid: () => string; unit: () => number };
  readonly mutations: Mutations;
};

/** The runs of the store in memory, in order of creation, and what moves them: the rules of core. */
export class MemoryRuns {
  readonly #options: MemoryRunsOptions;
  readonly #all = new Map<string, MemoryRun>();
  readonly #live = new Map<string, MemoryRun>();

  constructor(options: MemoryRunsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#all.size;
  }

  get liveCount(): number {
    return this.#live.size;
  }

  add(run: MemoryRun): void {
    this.#all.set(run.runId, run);
    this.#live.set(run.runId, run);
  }

  get(runId: string): MemoryRun | undefined {
    return this.#all.get(runId);
  }

  all(): IterableIterator<MemoryRun> {
    return this.#all.values();
  }

  live(): IterableIterator<MemoryRun> {
    return this.#live.values();
  }

  heldBy(sessionIds: readonly string[]): MemoryRun[] {
    const held: MemoryRun[] = [];
    for (const run of this.#live.values())
      if (run.sessionId !== null && sessionIds.includes(run.sessionId)) held.push(run);
    return held;
  }

  /** Puts proposals before the rules, and writes what they accept. */
  decide(run: MemoryRun, proposals: readonly Proposal[], by: By): Outcome[] {
    const { outcomes, accepted } = decideTransitions(
      snapshotOf(run),
      proposals,
      new Date(by.nowMs),
      () => this.#options.random.unit(),
    );
    for (const { state, ...row } of accepted)
      this.#move(run, { ...row, type: state.type, name: state.name }, by);
    return outcomes.map(({ status, state }) => ({ status, stands: state?.type ?? null }));
  }

  /** Moves runs that need no proposal; an end within its budget becomes the wait for another attempt. */
  moveAll(
    runs: readonly MemoryRun[],
    moveOf: (run: MemoryRun) => Omit<Move, "transitionId">,
    by: By,
  ): Moved[] {
    return runs.map((run) => {
      const asked = moveOf(run);
      const retry = retryAfter(asked, run.retry, () => this.#options.random.unit());
      const { type, name, reason } = retry === undefined ? asked : AWAITING_RETRY;
      const transitionId = this.#options.random.uuid();
      this.#move(run, { type, name, reason, transitionId, retry }, by);
      return { runId: run.runId, type, name, reason };
    });
  }

  #move(run: MemoryRun, step: Move, by: By): void {
    const { mutations } = this.#options;
    const { sessionId, leaseToken } = run;
    move(run, mutations.has("budget_unspent") ? unspent(run, step) : step, by);
    if (step.name === "Suspended" && mutations.has("suspended_keeps_lease"))
      Object.assign(run, { sessionId, leaseToken });
    if (isLive(run)) this.#live.set(run.runId, run);
    else this.#live.delete(run.runId);
  }
}
