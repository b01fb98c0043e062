import type { RetryPolicy, StateReasonCode, StateType } from "@downbeat/contract";

/** A run's retry policy and what is left of it. */
export type RetryBudget = {
  readonly policy: RetryPolicy;
  readonly onCrash: number;
  readonly onFailure: number;
  /** Retries so far, of either kind: the exponent of the backoff. */
  readonly made: number;
};

/** Another attempt instead of an end. */
export type PlannedRetry = {
  /** Why the attempt before it ended. */
  readonly cause: StateReasonCode;
  /** A duration, not an instant: the database's clock says when it is over. */
  readonly delayMs: number;
  readonly budget: RetryBudget;
};

type Allowance = "onCrash" | "onFailure";

const ALLOWANCES: Partial<Record<StateType, Allowance>> = {
  CRASHED: "onCrash",
  FAILED: "onFailure",
};

/** Ends that would come out the same another time: only a new deployment or new parameters change them. */
export const NEVER_RETRIED: ReadonlySet<StateReasonCode> = new Set<StateReasonCode>([
  "parameters_invalid",
  "parameters_unreadable",
  "entrypoint_invalid",
  "signature_refused",
  "pause_timed_out",
]);

export type AttemptEnd = { readonly type: StateType; readonly reason: StateReasonCode };

/**
 * The attempt that follows one which ended so; undefined when the run has ended.
 *
 * @param random returns a number in [0, 1)
 */
export function retryAfter(
  end: AttemptEnd,
  budget: RetryBudget | null | undefined,
  random: () => number,
): PlannedRetry | undefined {
  const allowance = ALLOWANCES[end.type];
  if (budget === null || budget === undefined || allowance === undefined) return undefined;
  if (budget[allowance] <= 0 || NEVER_RETRIED.has(end.reason)) return undefined;
  return {
    cause: end.reason,
    delayMs: retryDelayMs(budget.policy, budget.made, random),
    budget: { ...budget, [allowance]: budget[allowance] - 1, made: budget.made + 1 },
  };
}

/**
 * The wait before a retry, in milliseconds.
 *
 * @param made counts the retries before this one, from 0
 */
export function retryDelayMs(policy: RetryPolicy, made: number, random: () => number): number {
  const { delaySeconds, factor, maxSeconds, jitter } = policy;
  const growing = Math.min(maxSeconds, delaySeconds * factor ** Math.min(made, 100));
  const share = 1 + jitter * (2 * random() - 1);
  return Math.round(Math.min(maxSeconds, growing * share) * 1000);
}
