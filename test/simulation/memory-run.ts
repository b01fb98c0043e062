import {
  isTerminal,
  type Actor,
  type PausePoint,
  type RetryPolicy,
  type RunError,
  type State,
  type StateName,
  type StateReasonCode,
  type StateType,
} from "@downbeat/contract";
import type { PlannedRetry, RetryBudget, RunSnapshot } from "@downbeat/core";
import type { FinalRow, FinalRun } from "@downbeat/testkit/history";

/** A run as the in-memory store keeps it: what flow_run, live_run and run_state say about it together. */
export type MemoryRun = {
  readonly runId: string;
  readonly poolId: string;
  readonly queueName: string;
  readonly policy: RetryPolicy | null;
  scheduledForMs: number;
  retry: RetryBudget | null;
  readonly history: FinalRow[];
  state: State;
  reason: StateReasonCode;
  epoch: number;
  leaseToken: string | null;
  sessionId: string | null;
  claimRequestId: string | null;
  cancelRequestedAtMs: number | null;
  isLate: boolean;
  /** What it waits for while PAUSED, and until when. */
  pause: PausePoint | null;
  pauseDeadlineMs: number | null;
  /** Keys of the pause points that were given something: later attempts pass them. */
  readonly inputs: Set<string>;
  /** Newest first. */
  recentTransitionIds: string[];
};

export type NewMemoryRun = {
  readonly key: string;
  readonly requestHash: string;
  readonly scheduledForMs: number | null;
  readonly actor: Actor;
  /** Default: none. */
  readonly policy?: RetryPolicy | null;
  /** Default: the first queue. */
  readonly queueName?: string | undefined;
};

export type Move = {
  readonly type: StateType;
  readonly name: StateName;
  readonly reason: StateReasonCode;
  readonly transitionId: string | null;
  readonly error?: RunError | null;
  /** The next attempt, where the policy turned an end into one. */
  readonly retry?: PlannedRetry | undefined;
  readonly pause?: PausePoint | undefined;
};

// The store remembers this many transition ids of a run.
const REMEMBERED = 32;

export function aRun(
  given: Pick<MemoryRun, "runId" | "poolId" | "queueName" | "scheduledForMs" | "policy">,
  by: { actor: Actor; nowMs: number },
): MemoryRun {
  const run: MemoryRun = {
    ...given,
    retry: budgetOf(given.policy),
    history: [],
    state: { type: "SCHEDULED", name: "Scheduled", at: new Date(by.nowMs).toISOString() },
    reason: "created",
    epoch: 0,
    leaseToken: null,
    sessionId: null,
    claimRequestId: null,
    cancelRequestedAtMs: null,
    isLate: false,
    pause: null,
    pauseDeadlineMs: null,
    inputs: new Set(),
    recentTransitionIds: [],
  };
  move(run, { type: "SCHEDULED", name: "Scheduled", reason: "created", transitionId: null }, by);
  return run;
}

/** A policy's budget in full. */
export function budgetOf(policy: RetryPolicy | null): RetryBudget | null {
  if (policy === null) return null;
  return { policy, onCrash: policy.retriesOnCrash, onFailure: policy.retriesOnFailure, made: 0 };
}

export function isLive(run: MemoryRun): boolean {
  return !isTerminal(run.state.type);
}

/** Writes one accepted transition. Terminal ends the lease but keeps its token; SCHEDULED and Suspended give the lease up. */
export function move(
  run: MemoryRun,
  { type, name, reason, transitionId, retry, pause }: Move,
  { actor, nowMs }: { actor: Actor; nowMs: number },
): void {
  run.state = { type, name, at: new Date(nowMs).toISOString() };
  run.reason = reason;
  run.isLate = name === "Late";
  if (retry !== undefined) {
    run.retry = retry.budget;
    run.scheduledForMs = nowMs + retry.delayMs;
  }
  if (name === "Resuming") run.scheduledForMs = nowMs;
  if (type !== "PAUSED") run.pause = run.pauseDeadlineMs = null;
  else if (pause !== undefined) {
    const { timeoutSeconds } = pause;
    run.pause = pause;
    run.pauseDeadlineMs = timeoutSeconds === null ? null : nowMs + timeoutSeconds * 1000;
  }
  if (type === "CANCELLING") run.cancelRequestedAtMs ??= nowMs;
  const letsGo = type === "SCHEDULED" || name === "Suspended";
  if (letsGo) run.leaseToken = null;
  if (letsGo || isTerminal(type)) run.sessionId = run.claimRequestId = null;
  if (transitionId !== null)
    run.recentTransitionIds = [transitionId, ...run.recentTransitionIds].slice(0, REMEMBERED);
  run.history.push({
    sequence: run.history.length,
    type,
    name,
    atMs: nowMs,
    epoch: run.epoch,
    actorKind: actor.kind,
    actorId: actor.id,
    reason,
    transitionId,
    ...(type === "PAUSED" && { point: run.pause?.key }),
  });
}

export function snapshotOf(run: MemoryRun): RunSnapshot {
  return {
    runId: run.runId,
    epoch: run.epoch,
    leaseToken: run.leaseToken,
    state: run.state,
    sequence: run.history.length - 1,
    knownTransitionIds: new Set(run.recentTransitionIds),
    retry: run.retry,
  };
}

/** The step as a store makes it that forgets to write down what is left of the budget. */
export function unspent({ retry: budget }: MemoryRun, step: Move): Move {
  if (step.retry === undefined || budget === null) return step;
  return { ...step, retry: { ...step.retry, budget } };
}

export function toFinal(run: MemoryRun): FinalRun {
  const { retriesOnCrash = 0, retriesOnFailure = 0 } = run.policy ?? {};
  return { ...run, retriesAllowed: retriesOnCrash + retriesOnFailure };
}
