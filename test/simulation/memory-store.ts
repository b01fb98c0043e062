import type { Actor } from "@downbeat/contract";
import { cancelStep, type Proposal } from "@downbeat/core";
import type { Fence, FinalState, Grant } from "@downbeat/testkit/history";
import {
  aRun,
  budgetOf,
  isLive,
  move,
  toFinal,
  type MemoryRun,
  type NewMemoryRun,
} from "./memory-run.ts";
import { AGAIN, CLAIMED, holds, leasedOf, LATE, ownedOf, RELEASED, settled } from "./moves.ts";
import { MemoryPauses } from "./memory-pauses.ts";
import { MemoryQueues, type Queue } from "./memory-queues.ts";
import { MemoryRuns } from "./memory-runs.ts";
import { MemorySessions } from "./memory-sessions.ts";
import type { Mutations } from "./mutation.ts";
import type {
  Beat,
  BeatAnswer,
  Claim,
  Claimed,
  Created,
  Leased,
  Moved,
  NewSession,
  Outcome,
  ReportedTransition,
  Resume,
  SweepTimes,
} from "./store.ts";
import { verdictOf } from "./sweep-verdict.ts";

export type MemoryStoreOptions = {
  readonly poolId: string;
  readonly poolLimit: number | null;
  /** Default: one without a limit. */
  readonly queues?: readonly Queue[];
  readonly random: { uuid: () => string; hex: (digits: number) => string; unit: () => number };
  readonly mutations?: Mutations;
};

const DEFAULT_QUEUE: Queue = { name: "default", priority: 100, limit: null };
const ENGINE: Actor = { kind: "engine", id: null };

/** The store of the plane in memory: what packages/db does, without SQL, over the same rules of core. */
export class MemoryStore {
  readonly #options: MemoryStoreOptions;
  readonly #runs: MemoryRuns;
  readonly #pauses: MemoryPauses;
  readonly queues: MemoryQueues;
  readonly #keys = new Map<string, { runId: string; requestHash: string }>();
  readonly #sessions = new MemorySessions();
  readonly #grants: Grant[] = [];
  readonly #mutations: Mutations;

  constructor(options: MemoryStoreOptions) {
    this.#options = options;
    this.#mutations = options.mutations ?? new Set();
    const { random } = options;
    this.#runs = new MemoryRuns({ random, mutations: this.#mutations });
    const { queues = [DEFAULT_QUEUE], poolLimit } = options;
    this.queues = new MemoryQueues({ queues, poolLimit, mutations: this.#mutations });
    this.#pauses = new MemoryPauses({ runs: this.#runs, random, mutations: this.#mutations });
  }

  createRun(given: NewMemoryRun, nowMs: number): Created {
    const first = this.#keys.get(given.key);
    if (first !== undefined) {
      if (first.requestHash !== given.requestHash) return { status: "mismatch" };
      return { status: "standing", runId: first.runId };
    }
    const runId = `run-${String(this.#runs.size + 1).padStart(6, "0")}`;
    const { poolId } = this.#options;
    const { scheduledForMs, policy = null, actor, queueName = DEFAULT_QUEUE.name } = given;
    const due = { scheduledForMs: scheduledForMs ?? nowMs, policy, queueName };
    const run = aRun({ runId, poolId, ...due }, { actor, nowMs });
    this.#runs.add(run);
    this.#keys.set(given.key, { runId, requestHash: given.requestHash });
    return { status: "created", runId };
  }

  createRunFor(
    given: NewMemoryRun,
    claim: Claim,
    nowMs: number,
  ): { created: Created; leases: readonly Leased[] } {
    const isFree = this.#options.poolLimit === null && this.#claimable(nowMs).length === 0;
    const isRepeated = this.#runs
      .heldBy([claim.sessionId])
      .some(({ claimRequestId }) => claimRequestId === claim.claimRequestId);
    const created = this.createRun(given, nowMs);
    if (created.status !== "created" || !isFree || isRepeated) return { created, leases: [] };
    const claimed = this.claimRuns(claim, nowMs);
    return { created, leases: claimed === "session_ended" ? [] : claimed };
  }

  openSession(session: NewSession, nowMs: number): { sessionId: string; epoch: number } {
    return this.#sessions.open(session, nowMs);
  }

  claimRuns(claim: Claim, nowMs: number): Claimed {
    const session = this.#sessions.findOpen(claim.sessionId, claim.agentId);
    if (session === undefined) return "session_ended";
    const isLapsed = session.leaseExpiresAtMs <= nowMs;
    if (isLapsed && this.#mutations.has("lapse_ends_session")) return "session_ended";
    const held = this.#runs.heldBy([claim.sessionId]);
    const before = held.filter((run) => run.claimRequestId === claim.claimRequestId);
    if (before.length > 0 && !this.#mutations.has("claims_forgotten")) return before.map(leasedOf);
    if (isLapsed) return [];
    const room = Math.min(claim.max, session.capacity - held.length);
    if (room <= 0) return [];
    const due = this.#claimable(nowMs);
    if (due.length === 0) return [];
    const taken = this.queues.take(due, this.#held(), room, nowMs);
    for (const run of taken) this.#grant(run, claim, nowMs);
    return taken.map(leasedOf);
  }

  report(items: readonly ReportedTransition[], actor: Actor, nowMs: number): Outcome[] {
    const outcomes: Outcome[] = items.map(() => ({ status: "fenced", stands: null }));
    for (const runId of new Set(items.map((item) => item.runId))) {
      const run = this.#runs.get(runId);
      if (run === undefined) continue;
      const places = items.flatMap((item, at) => (item.runId === runId ? [{ item, at }] : []));
      const proposals = places.map(({ item }) => this.#proposal(item));
      const decided = this.#runs.decide(run, proposals, { actor, nowMs });
      decided.forEach((outcome, index) => {
        const at = places[index]?.at;
        if (at !== undefined) outcomes[at] = outcome;
      });
    }
    return outcomes;
  }

  heartbeat(beat: Beat, leaseMs: number, nowMs: number): BeatAnswer {
    const session = this.#sessions.findOpen(beat.sessionId, beat.agentId);
    if (session === undefined) return { open: false, renewed: false, owned: [] };
    const renewed = beat.tick > session.tick;
    if (renewed) session.leaseExpiresAtMs = nowMs + leaseMs;
    session.tick = Math.max(session.tick, beat.tick);
    return { open: true, renewed, owned: this.#runs.heldBy([beat.sessionId]).map(ownedOf) };
  }

  releaseRuns(
    { sessionId, runs, actor }: { sessionId: string; runs: readonly Fence[]; actor: Actor },
    nowMs: number,
  ): Moved[] {
    const fences = new Map(runs.map((fence) => [fence.runId, fence]));
    const given = this.#runs
      .heldBy([sessionId])
      .filter((run) => run.state.type === "PENDING" && holds(run, fences.get(run.runId)));
    return this.#runs.moveAll(given, () => RELEASED, { actor, nowMs });
  }

  endSessions(
    end: { sessionIds: readonly string[]; agentId: string; actor: Actor },
    nowMs: number,
  ): Moved[] {
    const ended = end.sessionIds.flatMap((id) => this.#sessions.findOpen(id, end.agentId) ?? []);
    for (const session of ended) session.endedAtMs = nowMs;
    const held = this.#runs.heldBy(ended.map(({ sessionId }) => sessionId));
    const settle = (run: MemoryRun) => settled(run.state.type, "agent_restarted");
    return this.#runs.moveAll(held, settle, { actor: end.actor, nowMs });
  }

  /** Settles leases as old as a lease that a beat did not name: their agent does not know of them, or lost them. */
  settleAbsent(
    given: { sessionId: string; listed: ReadonlyMap<string, number>; leaseMs: number },
    nowMs: number,
  ): Moved[] {
    if (this.#mutations.has("absent_runs_stay")) return [];
    const absent = this.#runs
      .heldBy([given.sessionId])
      .filter(
        (run) =>
          given.listed.get(run.runId) !== run.epoch &&
          Date.parse(run.state.at) + given.leaseMs <= nowMs,
      );
    const settle = (run: MemoryRun) => settled(run.state.type, "process_exited");
    return this.#runs.moveAll(absent, settle, { actor: ENGINE, nowMs });
  }

  cancelRun(runId: string, actor: Actor, nowMs: number): Outcome {
    const run = this.#runs.get(runId);
    if (run === undefined) return { status: "not_found", stands: null };
    const step = cancelStep({ isHeld: run.sessionId !== null, epoch: run.epoch });
    const transitionId = this.#options.random.uuid();
    const proposal: Proposal = { ...step, proposer: "person", transitionId, error: null };
    this.#runs.decide(run, [proposal], { actor, nowMs });
    const isCancelled = run.state.type === "CANCELLING" || run.state.type === "CANCELLED";
    return { status: isCancelled ? "accepted" : "rejected", stands: run.state.type };
  }

  /** Runs an ended run again, as a person asks. */
  retryRun(runId: string, actor: Actor, nowMs: number): Outcome {
    const run = this.#runs.get(runId);
    if (run === undefined || isLive(run)) return { status: "rejected", stands: null };
    const transitionId = this.#options.random.uuid();
    const proposal: Proposal = { ...AGAIN, proposer: "operator", transitionId, error: null };
    const [outcome] = this.#runs.decide(run, [proposal], { actor, nowMs });
    run.retry = budgetOf(run.policy);
    run.scheduledForMs = nowMs;
    run.cancelRequestedAtMs = null;
    return outcome ?? { status: "rejected", stands: null };
  }

  resumeRun(resume: Resume, actor: Actor, nowMs: number): Outcome {
    return this.#pauses.resume(resume, actor, nowMs);
  }

  sweepPauses(nowMs: number): Moved[] {
    return this.#pauses.sweep(nowMs);
  }

  /** Which of these pause points were given something. */
  inputsOf(points: readonly Resume[]): Resume[] {
    return points.filter(({ runId, point }) => this.#runs.get(runId)?.inputs.has(point));
  }

  sweep(times: SweepTimes, nowMs: number): Moved[] {
    const moved: Moved[] = [];
    for (const run of this.#runs.live()) {
      const session = this.#sessions.get(run.sessionId);
      if (session === undefined) continue;
      const verdict = verdictOf({ run, session, times, nowMs });
      if (verdict !== undefined)
        moved.push(...this.#runs.moveAll([run], () => verdict, { actor: ENGINE, nowMs }));
    }
    return moved;
  }

  markLate(lateAfterMs: number, nowMs: number): Moved[] {
    const late = [...this.#runs.live()].filter(
      (run) =>
        run.state.type === "SCHEDULED" && !run.isLate && run.scheduledForMs < nowMs - lateAfterMs,
    );
    return this.#runs.moveAll(late, () => LATE, { actor: ENGINE, nowMs });
  }

  /** The session that holds a run. */
  holderOf(runId: string): string | null {
    return this.#runs.get(runId)?.sessionId ?? null;
  }

  get liveCount(): number {
    return this.#runs.liveCount;
  }

  finalState(atMs: number): FinalState {
    const { poolId, poolLimit } = this.#options;
    return {
      atMs,
      runs: [...this.#runs.all()].map(toFinal),
      sessions: this.#sessions.all(),
      grants: this.#grants,
      queueLimits: this.queues.limits,
      closedTimes: this.queues.closedTimes,
      poolLimits: new Map(poolLimit === null ? [] : [[poolId, poolLimit]]),
    };
  }

  #held(): MemoryRun[] {
    return [...this.#runs.live()].filter(({ sessionId }) => sessionId !== null);
  }

  #claimable(nowMs: number): MemoryRun[] {
    const due: MemoryRun[] = [];
    for (const run of this.#runs.live())
      if (run.state.type === "SCHEDULED" && run.scheduledForMs <= nowMs) due.push(run);
    return due.toSorted((one, other) => one.scheduledForMs - other.scheduledForMs);
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

  #proposal({ epoch, leaseToken, transitionId, pause, ...step }: ReportedTransition): Proposal {
    const { type, name, reason } = step;
    const fence = this.#mutations.has("ignore_fence") ? {} : { fence: { epoch, leaseToken } };
    return { proposer: "agent", ...fence, transitionId, type, name, reason, pause, error: null };
  }
}
