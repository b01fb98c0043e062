import { DownbeatError } from "@downbeat/contract/errors";
import { LONGEST_DELAY_MS } from "./timers.ts";

/** Delays that grow by a factor after each failed attempt; made by {@link exponential}. */
export type ExponentialDelay = {
  readonly kind: "exponential";
  readonly firstMs: number;
  readonly factor: number;
  readonly maxMs: number;
  readonly jitter: number;
};

/**
 * The wait before each retry: milliseconds, a list of milliseconds (the last one repeats), a function of the attempt
 * that failed (from 1), or {@link exponential}.
 */
export type RetryDelay =
  | number
  | readonly number[]
  | ((attempt: number) => number)
  | ExponentialDelay;

/** When an attempt counts as failed and whether another follows. */
export type RetryOptions = {
  /** How many attempts may follow the first one. Default 0. */
  readonly retries?: number;
  /** The wait before each retry. Default `exponential()`: 1 s, 2 s, 4 s … at most 60 s, each ±20 %. */
  readonly retryDelay?: RetryDelay;
  /** Return false to give up on this error although retries are left. Default: every error is retried. */
  readonly retryIf?: (error: unknown, attempt: number) => boolean | Promise<boolean>;
  /** Longest time one attempt may take, in milliseconds. Default: no limit. `runContext().signal` aborts when it is over. */
  readonly timeoutMs?: number;
};

/**
 * Delays that grow: `firstMs`, then `factor` times as long after each failure, never above `maxMs`. `jitter` is the
 * share by which a delay may be longer or shorter at random (0.2 = ±20 %), so that many runs do not retry in step.
 *
 * @example
 * task({ retries: 3, retryDelay: exponential({ firstMs: 200, maxMs: 5_000 }) }, fetchDay)
 * @throws DownbeatError `definition_invalid` when a number cannot work.
 */
export function exponential(
  options: Partial<Omit<ExponentialDelay, "kind">> = {},
): ExponentialDelay {
  const delay = {
    kind: "exponential" as const,
    firstMs: 1_000,
    factor: 2,
    maxMs: 60_000,
    jitter: 0.2,
    ...options,
  };
  requireNumber("exponential firstMs", delay.firstMs, 0, LONGEST_DELAY_MS);
  requireNumber("exponential factor", delay.factor, 1, 1_000);
  requireNumber("exponential maxMs", delay.maxMs, 0, LONGEST_DELAY_MS);
  requireNumber("exponential jitter", delay.jitter, 0, 1);
  return delay;
}

const DEFAULT_DELAY = exponential();

/** Refuses options that cannot work when the flow or task is defined, not at its first failure. */
export function checkRetryOptions(owner: string, options: RetryOptions): void {
  const { retries = 0, retryDelay = DEFAULT_DELAY, timeoutMs } = options;
  if (!Number.isInteger(retries)) throw invalid(`retries of ${owner}`, retries, "a whole number");
  requireNumber(`retries of ${owner}`, retries, 0, 1_000_000);
  if (timeoutMs !== undefined)
    requireNumber(`timeoutMs of ${owner}`, timeoutMs, 1, LONGEST_DELAY_MS);
  const delays =
    typeof retryDelay === "number" ? [retryDelay] : Array.isArray(retryDelay) ? retryDelay : [];
  for (const delayMs of delays)
    requireNumber(`retryDelay of ${owner}`, delayMs, 0, LONGEST_DELAY_MS);
}

/**
 * The wait after the failure of `attempt` (from 1), in milliseconds.
 *
 * @throws DownbeatError `definition_invalid` when a delay function answers with something that is no delay.
 */
export function retryDelayMs(options: RetryOptions, attempt: number, random: () => number): number {
  const delay = options.retryDelay ?? DEFAULT_DELAY;
  if (typeof delay === "number") return delay;
  if (typeof delay === "function") {
    const delayMs = delay(attempt);
    requireNumber("the result of retryDelay", delayMs, 0, LONGEST_DELAY_MS);
    return delayMs;
  }
  if (isList(delay)) return delay[Math.min(attempt, delay.length) - 1] ?? 0;
  return exponentialDelayMs(delay, attempt, random);
}

function exponentialDelayMs(
  delay: ExponentialDelay,
  attempt: number,
  random: () => number,
): number {
  const grown = Math.min(delay.maxMs, delay.firstMs * delay.factor ** (attempt - 1));
  const spread = 1 + delay.jitter * (2 * random() - 1);
  return Math.min(delay.maxMs, Math.round(grown * spread));
}

function isList(delay: RetryDelay): delay is readonly number[] {
  return Array.isArray(delay);
}

function requireNumber(what: string, value: number, min: number, max: number): void {
  if (typeof value === "number" && value >= min && value <= max) return;
  throw invalid(what, value, `a number from ${min} to ${max}`);
}

function invalid(what: string, value: unknown, wanted: string): DownbeatError {
  return new DownbeatError("definition_invalid", {
    message: `${what} is ${String(value)}; it must be ${wanted}`,
  });
}
