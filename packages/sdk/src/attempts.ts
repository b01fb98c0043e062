import { isNonRetriable, RunCancelled, TimeoutError } from "./errors.ts";
import { retryDelayMs } from "./retry-policy.ts";
import type { RetryOptions } from "./retry-policy.ts";
import { sleep } from "./timers.ts";
import type { Timers } from "./timers.ts";

/** Is told of each attempt: {@link started}, then one of the others; after {@link retrying} comes another start. */
export interface AttemptObserver {
  started(attempt: number): void;
  /** This attempt failed and another will follow after the delay. */
  retrying(attempt: number, error: unknown): void;
  completed(attempt: number): void;
  failed(attempt: number, error: unknown, timedOut: boolean): void;
  cancelled(attempt: number): void;
}

export type AttemptPlan = {
  /** For messages: `task "fetch-day"`. */
  readonly owner: string;
  readonly options: RetryOptions;
  readonly timers: Timers;
  readonly firstAttempt: number;
  /** Aborts when the run is cancelled. */
  readonly signal: AbortSignal | undefined;
  /** What each attempt waits for before it starts; resolves with what ends its turn. */
  readonly admit?: ((attempt: number) => Promise<() => void>) | undefined;
  /** Is given the work that runs on after its attempt timed out. */
  readonly abandon: (work: Promise<unknown>) => void;
};

export type Attempt<T> = (attempt: number, signal: AbortSignal | undefined) => T | PromiseLike<T>;

/**
 * Calls `invoke` until it succeeds, the retries are used up, `retryIf` declines or the run is cancelled. Rejects with
 * the very value the last attempt threw.
 */
export async function runAttempts<T>(
  plan: AttemptPlan,
  observer: AttemptObserver,
  invoke: Attempt<T>,
): Promise<T> {
  for (let attempt = plan.firstAttempt; ; attempt += 1) {
    if (plan.signal?.aborted) throw cancel(plan, observer, attempt);
    const leave = plan.admit === undefined ? undefined : await admitted(plan, observer, attempt);
    observer.started(attempt);
    try {
      const result = await invokeWithin(plan, attempt, invoke);
      leave?.();
      observer.completed(attempt);
      return result;
    } catch (error) {
      leave?.();
      await failOrWait(plan, observer, { attempt, error });
    }
  }
}

async function admitted(
  plan: AttemptPlan,
  observer: AttemptObserver,
  attempt: number,
): Promise<(() => void) | undefined> {
  return plan.admit?.(attempt).catch(() => {
    throw cancel(plan, observer, attempt);
  });
}

type Failure = { readonly attempt: number; readonly error: unknown };

/** Returns when it is time for the next attempt; throws when there is none. */
async function failOrWait(plan: AttemptPlan, observer: AttemptObserver, failure: Failure) {
  const { attempt, error } = failure;
  if (plan.signal?.aborted) {
    observer.cancelled(attempt);
    throw error;
  }
  const delayMs = await nextDelayMs(plan, failure).catch((broken: unknown) => {
    observer.failed(attempt, broken, false);
    throw broken;
  });
  if (delayMs === undefined) {
    observer.failed(attempt, error, isDeadline(error, plan));
    throw error;
  }
  observer.retrying(attempt, error);
  await sleep(plan.timers, delayMs, plan.signal).catch(() => {
    throw cancel(plan, observer, attempt);
  });
}

/** The wait before the next attempt; undefined when there is none. */
async function nextDelayMs(plan: AttemptPlan, failure: Failure): Promise<number | undefined> {
  const { retries = 0, retryIf } = plan.options;
  const failures = failure.attempt - plan.firstAttempt + 1;
  if (failures > retries || isNonRetriable(failure.error)) return undefined;
  if (retryIf !== undefined && !(await retryIf(failure.error, failure.attempt))) return undefined;
  return retryDelayMs(plan.options, failures, () => plan.timers.random());
}

function cancel(plan: AttemptPlan, observer: AttemptObserver, attempt: number): RunCancelled {
  observer.cancelled(attempt);
  return new RunCancelled(plan.owner);
}

const deadlines = new WeakMap<TimeoutError, AttemptPlan>();

// Not `instanceof` alone: a flow that fails because a task of it timed out has not timed out itself.
function isDeadline(error: unknown, plan: AttemptPlan): boolean {
  return error instanceof TimeoutError && deadlines.get(error) === plan;
}

function invokeWithin<T>(
  plan: AttemptPlan,
  attempt: number,
  invoke: Attempt<T>,
): T | PromiseLike<T> {
  const { timeoutMs } = plan.options;
  return timeoutMs === undefined
    ? invoke(attempt, plan.signal)
    : invokeWithinMs(timeoutMs, { plan, attempt, invoke });
}

type TimedCall<T> = {
  readonly plan: AttemptPlan;
  readonly attempt: number;
  readonly invoke: Attempt<T>;
};

async function invokeWithinMs<T>(
  timeoutMs: number,
  { plan, attempt, invoke }: TimedCall<T>,
): Promise<T> {
  const overdue = new TimeoutError(plan.owner, timeoutMs, attempt);
  deadlines.set(overdue, plan);
  const controller = new AbortController();
  const onCancel = () => controller.abort(plan.signal?.reason);
  plan.signal?.addEventListener("abort", onCancel, { once: true });
  let cancelTimer = () => {};
  const deadline = new Promise<never>((_, reject) => {
    cancelTimer = plan.timers.after(timeoutMs, () => {
      plan.abandon(work);
      reject(overdue);
      controller.abort(overdue);
    });
  });
  const work = (async () => await invoke(attempt, controller.signal))();
  try {
    return await Promise.race([work, deadline]);
  } finally {
    cancelTimer();
    plan.signal?.removeEventListener("abort", onCancel);
  }
}
