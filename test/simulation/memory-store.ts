import type { Actor } from "@downbeat/contract";
import { decideTransitions, type Proposal } from "@downbeat/core";
import type { Fence, FinalState, Grant } from "@downbeat/testkit/history";
import { aRun, isLive, move, snapshotOf, type MemoryRun, type Move } from "./memory-run.ts";
import {
  AT_ONCE,
  CLAIMED,
  fenceOf,
  holds,
  LATE,
  RELEASED,
  settled,
  THROUGH_AGENT,
} from "./moves.ts";
import type { Mutations } from "./mutation.ts";
import type {
  Beat,
  BeatAnswer,
  Claim,
  Claimed,
  Created,
  Moved,
  NewSession,
  Outcome,
  ReportedTransition,
  SweepTimes,
} from "./store.ts";
import { verdictOf } from "./sweep-verdict.ts";

type MemorySession = NewSession & {
  readonly sessionId: string;
  tick: number;
  leaseExpiresAtMs: number;
  endedAtMs: number | null;
};

export type MemoryStoreOptions = {
  readonly poolId: string;
  readonly poolLimit: number | null;
  readonly random: { uuid: () => string; hex: (digits: number) => string };
  readonly mutations?: Mutations;
};

type By = { readonly actor: Actor; readonly nowMs: number };

const ENGINE: Actor = { kind: "engine", id: null };

/** The store of the plane in memory: what packages/db does, without SQL, over the same rules of core. */
export class MemoryStore {
  readonly #options: MemoryStoreOptions;
  /** In order of creation, which is the order of run ids. */
  readonly #runs = new Map<string, MemoryRun>();
  readonly #live = new Map<string, MemoryRun>();
  readonly #keys = new Map<string, { runId: string; requestHash: string }>();
  readonly #sessions = new Map<string, MemorySession>();
  readonly #grants: Grant[] = [];
  readonly #mutations: Mutations;

  constructor(options: MemoryStoreOptions) {
    this.#options = options;
    this.#mutations = options.mutations ?? new Set();
  }

  createRun(
    given: { key: string; requestHash: string; scheduledForMs: number | null; actor: Actor },
    nowMs: number,
  ): Created {
    const first = this.#keys.get(given.key);
    if (first !== undefined) {
      if (first.requestHash !== given.requestHash) return { status: "mismatch" };
      return { status: "standing", runId: first.runId };
    }
    const runId = `run-${String(this.#runs.size + 1).padStart(6, "0")}`;
    const { poolId } = this.#options;
    const scheduledForMs = given.scheduledForMs ?? nowMs;
    const run = aRun({ runId, poolId, scheduledForMs }, { actor: given.actor, nowMs });
    this.#runs.set(runId, run);
    this.#live.set(runId, run);
    this.#keys.set(given.key, { runId, requestHash: given.requestHash });
    return { status: "created", runId };
  }

  openSession(session: NewSession, nowMs: number): { sessionId: string; epoch: number } {
    const sessionId = `session-${String(this.#sessions.size + 1).padStart(4, "0")}`;
    const earlier = [...this.#sessions.values()].filter((it) => it.agentId === session.agentId);
    const leaseExpiresAtMs = nowMs + session.leaseMs;
    this.#sessions.set(sessionId, {
      ...session,
      sessionId,
      tick: -1,
      leaseExpiresAtMs,
      endedAtMs: null,
    });
    return { sessionId, epoch: earlier.length + 1 };
  }

  claimRuns(claim: Claim, nowMs: number): Claimed {
    const session = this.#openSession(claim.sessionId, claim.agentId);
    if (session === undefined) return "session_ended";
    const isLapsed = session.leaseExpiresAtMs <= nowMs;
    if (isLapsed && this.#mutations.has("lapse_ends_session")) return "session_ended";
    const held = this.#heldBy([claim.sessionId]);
    const before = held.filter((run) => run.claimRequestId === claim.claimRequestId);
    if (before.length > 0 && !this.#mutations.has("claims_forgotten")) return before.map(fenceOf);
    if (isLapsed) return [];
    const room = Math.min(claim.max, session.capacity - held.length, this.#poolRoom());
    const taken = this.#claimable(nowMs).slice(0, Math.max(0, room));
    for (const run of taken) this.#grant(run, claim, nowMs);
    return taken.map(fenceOf);
  }

  report(items: readonly ReportedTransition[], actor: Actor, nowMs: number): Outcome[] {
    const outcomes: Outcome[] = items.map(() => ({ status: "fenced", stands: null }));
    for (const runId of new Set(items.map((item) => item.runId))) {
      const run = this.#runs.get(runId);
      if (run === undefined) continue;
      const places = items.flatMap((item, at) => (item.runId === runId ? [{ item, at }] : []));
      const proposals = places.map(({ item }) => this.#proposal(item));
      const decided = this.#decide(run, proposals, { actor, nowMs });
      decided.forEach((outcome, index) => {
        const at = places[index]?.at;
        if (at !== undefined) outcomes[at] = outcome;
      });
    }
    return outcomes;
  }

  heartbeat(beat: Beat, leaseMs: number, nowMs: number): BeatAnswer {
    const session = this.#openSession(beat.sessionId, beat.agentId);
    if (session === undefined) return { open: false, owned: [] };
    if (beat.tick > session.tick) session.leaseExpiresAtMs = nowMs + leaseMs;
    session.tick = Math.max(session.tick, beat.tick);
    const owned = this.#heldBy([beat.sessionId]).map((run) => ({
      runId: run.runId,
      epoch: run.epoch,
      type: run.state.type,
    }));
    return { open: true, owned };
  }

  releaseRuns(
    { sessionId, runs, actor }: { sessionId: string; runs: readonly Fence[]; actor: Actor },
    nowMs: number,
  ): Moved[] {
    const fences = new Map(runs.map((fence) => [fence.runId, fence]));
    const given = this.#heldBy([sessionId]).filter(
      (run) => run.state.type === "PENDING" && holds(run, fences.get(run.runId)),
    );
    return this.#moveAll(given, () => RELEASED, { actor, nowMs });
  }

  endSessions(
    end: { sessionIds: readonly string[]; agentId: string; actor: Actor },
    nowMs: number,
  ): Moved[] {
    const ended = end.sessionIds.flatMap((id) => this.#openSession(id, end.agentId) ?? []);
    for (const session of ended) session.endedAtMs = nowMs;
    const held = this.#heldBy(ended.map(({ sessionId }) => sessionId));
    const settle = (run: MemoryRun) => settled(run.state.type, "agent_restarted");
    return this.#moveAll(held, settle, { actor: end.actor, nowMs });
  }

  /** Settles leases as old as a lease that a beat did not name: their agent does not know of them, or lost them. */
  settleAbsent(
    given: { sessionId: string; listed: ReadonlyMap<string, number>; leaseMs: number },
    nowMs: number,
  ): Moved[] {
    if (this.#mutations.has("absent_runs_stay")) return [];
    const absent = this.#heldBy([given.sessionId]).filter(
      (run) =>
        given.listed.get(run.runId) !== run.epoch &&
        Date.parse(run.state.at) + given.leaseMs <= nowMs,
    );
    const settle = (run: MemoryRun) => settled(run.state.type, "process_exited");
    return this.#moveAll(absent, settle, { actor: ENGINE, nowMs });
  }

  cancelRun(runId: string, actor: Actor, nowMs: number): Outcome {
    const run = this.#runs.get(runId);
    if (run === undefined) return { status: "not_found", stands: null };
    const step = run.state.type === "SCHEDULED" ? AT_ONCE : THROUGH_AGENT;
    const transitionId = this.#options.random.uuid();
    const proposal: Proposal = { ...step, proposer: "person", transitionId, error: null };
    this.#decide(run, [proposal], { actor, nowMs });
    const isCancelled = run.state.type === "CANCELLING" || run.state.type === "CANCELLED";
    return { status: isCancelled ? "accepted" : "rejected", stands: run.state.type };
  }

  sweep(times: SweepTimes, nowMs: number): Moved[] {
    const moved: Moved[] = [];
    for (const run of this.#live.values()) {
      const session = this.#sessions.get(run.sessionId ?? "");
      if (session === undefined) continue;
      const verdict = verdictOf({ run, session, times, nowMs });
      if (verdict !== undefined)
        moved.push(...this.#moveAll([run], () => verdict, { actor: ENGINE, nowMs }));
    }
    return moved;
  }

  markLate(lateAfterMs: number, nowMs: number): Moved[] {
    const late = [...this.#live.values()].filter(
      (run) =>
        run.state.type === "SCHEDULED" && !run.isLate && run.scheduledForMs < nowMs - lateAfterMs,
    );
    return this.#moveAll(late, () => LATE, { actor: ENGINE, nowMs });
  }

  /** The session that holds a run. */
  holderOf(runId: string): string | null {
    return this.#runs.get(runId)?.sessionId ?? null;
  }

  get liveCount(): number {
    return this.#live.size;
  }

  finalState(atMs: number): FinalState {
    const { poolId, poolLimit } = this.#options;
    return {
      atMs,
      runs: [...this.#runs.values()],
      sessions: [...this.#sessions.values()],
      grants: this.#grants,
      poolLimits: new Map(poolLimit === null ? [] : [[poolId, poolLimit]]),
    };
  }

  #openSession(sessionId: string, agentId: string): MemorySession | undefined {
    const session = this.#sessions.get(sessionId);
    const isOpen = session?.agentId === agentId && session.endedAtMs === null;
    return isOpen ? session : undefined;
  }

  #heldBy(sessionIds: readonly string[]): MemoryRun[] {
    return [...this.#live.values()].filter(
      ({ sessionId }) => sessionId !== null && sessionIds.includes(sessionId),
    );
  }

  #poolRoom(): number {
    const { poolLimit } = this.#options;
    if (poolLimit === null) return Number.POSITIVE_INFINITY;
    return (
      poolLimit - [...this.#live.values()].filter(({ sessionId }) => sessionId !== null).length
    );
  }

  #claimable(nowMs: number): MemoryRun[] {
    return [...this.#live.values()]
      .filter((run) => run.state.type === "SCHEDULED" && run.scheduledForMs <= nowMs)
      .toSorted((one, other) => one.scheduledForMs - other.scheduledForMs);
  }

  #grant(run: MemoryRun, { sessionId, agentId, claimRequestId }: Claim, nowMs: number): void {
    run.epoch += 1;
    const leaseToken = this.#options.random.hex(32);
    const actor = { kind: "agent", id: agentId } as const;
    const { isLate } = run;
    move(run, CLAIMED, { actor, nowMs });
    Object.assign(run, { leaseToken, sessionId, claimRequestId, isLate });
    const { runId, epoch } = run;
    this.#grants.push({ runId, epoch, leaseToken, sessionId, claimRequestId, atMs: nowMs });
  }

  #proposal({ epoch, leaseToken, transitionId, type, name, reason }: ReportedTransition): Proposal {
    const fence = this.#mutations.has("ignore_fence") ? {} : { fence: { epoch, leaseToken } };
    return { proposer: "agent", ...fence, transitionId, type, name, reason, error: null };
  }

  #decide(run: MemoryRun, proposals: readonly Proposal[], by: By): Outcome[] {
    const { outcomes, accepted } = decideTransitions(
      snapshotOf(run),
      proposals,
      new Date(by.nowMs),
    );
    for (const { state, reason, transitionId } of accepted)
      this.#move(run, { type: state.type, name: state.name, reason, transitionId }, by);
    return outcomes.map(({ status, state }) => ({ status, stands: state?.type ?? null }));
  }

  #moveAll(
    runs: readonly MemoryRun[],
    moveOf: (run: MemoryRun) => Omit<Move, "transitionId">,
    by: By,
  ): Moved[] {
    return runs.map((run) => {
      const { type, name, reason } = moveOf(run);
      this.#move(run, { type, name, reason, transitionId: this.#options.random.uuid() }, by);
      return { runId: run.runId, type, name, reason };
    });
  }

  #move(run: MemoryRun, step: Move, by: By): void {
    move(run, step, by);
    if (!isLive(run)) this.#live.delete(run.runId);
  }
}
