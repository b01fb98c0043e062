import {
  STATE_NAMES,
  defaultStateName,
  isTerminal,
  type PausePoint,
  type ReportOutcome,
  type RunError,
  type State,
  type StateName,
  type StateReasonCode,
  type StateType,
  type TransitionItem,
} from "@downbeat/contract";
import { retryAfter, type PlannedRetry, type RetryBudget } from "./retry-after.ts";
import { ruleFor, type Proposer } from "./transition-rules.ts";

/** A run as it stands, locked, when proposals about it are decided. */
export type RunSnapshot = {
  readonly runId: string;
  readonly epoch: number;
  /** The lease that may write; null when nobody holds one. */
  readonly leaseToken: string | null;
  readonly state: State;
  /** Number of the last history row. */
  readonly sequence: number;
  /** Transition ids that were accepted before; a repeated one changes nothing. */
  readonly knownTransitionIds: Pick<ReadonlySet<string>, "has">;
  /** What is left of its retry policy; absent: none. */
  readonly retry?: RetryBudget | null;
};

export type Proposal = {
  readonly proposer: Proposer;
  /** The fence an agent must show; undefined for people and the engine, who hold no lease. */
  readonly fence?: { readonly epoch: number; readonly leaseToken: string };
  readonly transitionId: string;
  readonly type: StateType;
  readonly name: StateName;
  readonly reason: StateReasonCode;
  readonly error: RunError | null;
  /** With PAUSED: what the run waits for. */
  readonly pause?: PausePoint | undefined;
  /** With COMPLETED: where the result is kept, sealed. */
  readonly result?: TransitionItem["result"];
  /** With COMPLETED: that the attempt has logged nothing. */
  readonly emptyLog?: string | undefined;
};

/** A history row to be written. */
export type AcceptedTransition = {
  readonly sequence: number;
  readonly transitionId: string;
  readonly state: State;
  readonly reason: StateReasonCode;
  readonly error: RunError | null;
  /** Present when the retry policy turned an end into another attempt; `error` is then that of the attempt that ended. */
  readonly retry?: PlannedRetry;
  readonly pause?: PausePoint;
  readonly result?: TransitionItem["result"];
  readonly emptyLog?: string;
};

export type Decided = {
  /** One answer per proposal, in order. */
  readonly outcomes: ReportOutcome[];
  /** History rows to write, oldest first; empty when nothing changes. */
  readonly accepted: AcceptedTransition[];
};

/**
 * Decides several proposals about one run, in order, as if each had been made alone. Pure: the clock is an argument,
 * nothing is written here.
 *
 * @param random returns a number in [0, 1), for the jitter of retries
 */
export function decideTransitions(
  run: RunSnapshot,
  proposals: readonly Proposal[],
  now: Date,
  random: () => number = Math.random,
): Decided {
  let standing = run.state;
  const accepted: AcceptedTransition[] = [];
  const known: Known = {
    has: (id) => run.knownTransitionIds.has(id) || accepted.some((row) => row.transitionId === id),
  };
  const at = now.toISOString();
  const outcomes = proposals.map((proposal): ReportOutcome => {
    if (isFenced(run, proposal)) return outcome(fencedStatus(known, proposal), standing);
    if (known.has(proposal.transitionId)) return outcome("accepted", standing);
    const next = nextState(standing, proposal, at);
    if (next === undefined) return outcome("rejected", standing);
    const sequence = run.sequence + accepted.length + 1;
    const row = accept(run, { proposal, next, sequence }, random);
    standing = row.state;
    accepted.push(row);
    return outcome("accepted", standing);
  });
  return { outcomes, accepted };
}

type Known = RunSnapshot["knownTransitionIds"];

type Step = { readonly proposal: Proposal; readonly next: State; readonly sequence: number };

/** The history row of an accepted step; an end within the retry budget becomes the wait for another attempt. */
function accept(
  run: RunSnapshot,
  { proposal, next, sequence }: Step,
  random: () => number,
): AcceptedTransition {
  const { transitionId, reason, error, proposer, pause, result, emptyLog } = proposal;
  const end = { type: next.type, reason };
  // What an operator declares is meant to stand.
  const retry = proposer === "operator" ? undefined : retryAfter(end, run.retry, random);
  if (retry === undefined) {
    const row = { sequence, transitionId, state: next, reason, error };
    if (pause === undefined && result === undefined && emptyLog === undefined) return row;
    return {
      ...row,
      ...(pause !== undefined && { pause }),
      ...(result !== undefined && { result }),
      ...(emptyLog !== undefined && { emptyLog }),
    };
  }
  const state = { type: "SCHEDULED", name: "AwaitingRetry", at: next.at } as const;
  return { sequence, transitionId, state, reason: "retry_scheduled", error, retry };
}

// An end that was accepted may have given up the lease for a retry; whoever repeats it is told that it was taken. A start
// is never answered so: user code must not begin under a lease that is void.
function fencedStatus(known: Known, { transitionId, type }: Proposal) {
  return known.has(transitionId) && isTerminal(type) ? "accepted" : "fenced";
}

function isFenced(run: RunSnapshot, { fence }: Proposal): boolean {
  if (fence === undefined) return false;
  return fence.epoch !== run.epoch || fence.leaseToken !== run.leaseToken;
}

function nextState(standing: State, proposal: Proposal, at: string): State | undefined {
  const verdict = ruleFor(standing.type, proposal.type, proposal.proposer);
  if (verdict.kind === "reject") return undefined;
  const name = nameFor(verdict.becomes, proposal.name);
  // The same state again is no transition: it would only grow the history.
  if (verdict.becomes === standing.type && name === standing.name && !isTerminal(standing.type))
    return undefined;
  return { type: verdict.becomes, name, at };
}

// A rule may change the type; the proposed label then belongs to another type.
function nameFor(type: StateType, proposed: StateName): StateName {
  const names: readonly StateName[] = STATE_NAMES[type];
  return names.includes(proposed) ? proposed : defaultStateName(type);
}

function outcome(status: ReportOutcome["status"], state: State): ReportOutcome {
  return { status, state, waitSeconds: null };
}
