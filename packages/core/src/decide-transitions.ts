import {
  STATE_NAMES,
  defaultStateName,
  isTerminal,
  type ReportOutcome,
  type RunError,
  type State,
  type StateName,
  type StateReasonCode,
  type StateType,
} from "@downbeat/contract";
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
  readonly knownTransitionIds: ReadonlySet<string>;
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
};

/** A history row to be written. */
export type AcceptedTransition = {
  readonly sequence: number;
  readonly transitionId: string;
  readonly state: State;
  readonly reason: StateReasonCode;
  readonly error: RunError | null;
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
 */
export function decideTransitions(
  run: RunSnapshot,
  proposals: readonly Proposal[],
  now: Date,
): Decided {
  let standing = run.state;
  const accepted: AcceptedTransition[] = [];
  const known = new Set(run.knownTransitionIds);
  const outcomes = proposals.map((proposal): ReportOutcome => {
    if (isFenced(run, proposal)) return outcome("fenced", standing);
    if (known.has(proposal.transitionId)) return outcome("accepted", standing);
    const next = nextState(standing, proposal, now);
    if (next === undefined) return outcome("rejected", standing);
    standing = next;
    known.add(proposal.transitionId);
    accepted.push({
      sequence: run.sequence + accepted.length + 1,
      transitionId: proposal.transitionId,
      state: next,
      reason: proposal.reason,
      error: proposal.error,
    });
    return outcome("accepted", standing);
  });
  return { outcomes, accepted };
}

function isFenced(run: RunSnapshot, { fence }: Proposal): boolean {
  if (fence === undefined) return false;
  return fence.epoch !== run.epoch || fence.leaseToken !== run.leaseToken;
}

function nextState(standing: State, proposal: Proposal, now: Date): State | undefined {
  const verdict = ruleFor(standing.type, proposal.type, proposal.proposer);
  if (verdict.kind === "reject") return undefined;
  const name = nameFor(verdict.becomes, proposal.name);
  // The same state again is no transition: it would only grow the history.
  if (verdict.becomes === standing.type && name === standing.name && !isTerminal(standing.type))
    return undefined;
  return { type: verdict.becomes, name, at: now.toISOString() };
}

// A rule may change the type; the proposed label then belongs to another type.
function nameFor(type: StateType, proposed: StateName): StateName {
  const names: readonly StateName[] = STATE_NAMES[type];
  return names.includes(proposed) ? proposed : defaultStateName(type);
}

function outcome(status: ReportOutcome["status"], state: State): ReportOutcome {
  return { status, state, waitSeconds: null };
}
