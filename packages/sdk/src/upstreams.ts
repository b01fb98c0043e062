import { plainEntries } from "./argument-entries.ts";
import { RunCancelled, UpstreamFailed } from "./errors.ts";
import { futuresExist, isFuture } from "./future.ts";
import type { TaskFuture } from "./future.ts";
import { hasFailed, runsAfter } from "./run-when.ts";
import type { RunWhen, Upstream } from "./run-when.ts";
import { untilAborted } from "./timers.ts";
import type { Waiting } from "./waiting.ts";

/** What a call depends on: futures among its arguments, and what `after` names. */
export type Upstreams = readonly PromiseLike<unknown>[];

/** Undefined when a call depends on nothing, which is the rule and costs next to nothing to find out. */
export function upstreamsOf(
  args: readonly unknown[],
  after: Upstreams = [],
): Upstreams | undefined {
  if (after.length === 0 && !futuresExist()) return undefined;
  const found = [...after];
  for (const arg of args) collectFutures(arg, found);
  return found.length === 0 ? undefined : found;
}

function collectFutures(arg: unknown, found: PromiseLike<unknown>[]): void {
  if (typeof arg !== "object" || arg === null) return;
  if (isFuture(arg)) found.push(arg);
  else for (const entry of entriesOf(arg)) if (isFuture(entry)) found.push(entry);
}

function entriesOf(arg: object): readonly unknown[] {
  if (Array.isArray(arg)) return arg;
  return (plainEntries(arg) ?? []).map(([, value]) => value);
}

type Wait = {
  readonly awaited: Upstreams;
  readonly signal: AbortSignal | undefined;
  readonly runWhen: RunWhen | undefined;
};

/**
 * Waits until all have ended and resolves with the values of those that completed; with undefined when the rule says that
 * the waiter is to be skipped.
 *
 * @throws UpstreamFailed when it is not to run because one failed; RunCancelled when the signal aborts.
 */
export async function valuesOnceEnded(
  waiter: Waiting,
  { awaited, signal, runWhen }: Wait,
): Promise<ReadonlyMap<unknown, unknown> | undefined> {
  const ended = allEnded(waiter, awaited);
  const { upstreams, values } = await untilAborted(ended, signal).catch(() => {
    throw new RunCancelled(waiter.owner);
  });
  if (runsAfter(runWhen, upstreams)) return values;
  const failed = upstreams.find(hasFailed);
  if (failed !== undefined) throw new UpstreamFailed(waiter.owner, ownerOf(failed), failed.error);
  return undefined;
}

function ownerOf({ taskName }: Upstream): string {
  return taskName === undefined ? "a promise it waits for" : `task "${taskName}"`;
}

type Ended = {
  readonly upstreams: readonly Upstream[];
  readonly values: ReadonlyMap<unknown, unknown>;
};

async function allEnded(waiter: Waiting, awaited: Upstreams): Promise<Ended> {
  const results = await Promise.allSettled(
    awaited.map((upstream) => (isFuture(upstream) ? upstream.settledFor(waiter) : upstream)),
  );
  const values = new Map<unknown, unknown>();
  const upstreams = results.map((result, index): Upstream => {
    const upstream = awaited[index];
    if (result.status === "fulfilled") values.set(upstream, result.value);
    const error = result.status === "rejected" ? { error: result.reason as unknown } : {};
    return isFuture(upstream)
      ? { taskName: upstream.taskName, state: stateOf(upstream, result.status), ...error }
      : { state: PROMISE_STATES[result.status], ...error };
  });
  return { upstreams, values };
}

const PROMISE_STATES = {
  fulfilled: { type: "COMPLETED", name: "Completed" },
  rejected: { type: "FAILED", name: "Failed" },
} as const;

// A wait that was refused as cyclic leaves its future pending: for the one that waited it has failed.
function stateOf(future: TaskFuture<unknown>, status: "fulfilled" | "rejected"): Upstream["state"] {
  const { state } = future;
  return status === "rejected" && state.type !== "CANCELLED" && state.type !== "FAILED"
    ? PROMISE_STATES.rejected
    : state;
}

/** The arguments with each future replaced by its value; by `undefined` when it failed. */
export function withValues(
  args: readonly unknown[],
  values: ReadonlyMap<unknown, unknown>,
): readonly unknown[] {
  const valueOf = (it: unknown): unknown => (isFuture(it) ? values.get(it) : it);
  return args.map((arg): unknown => {
    if (isFuture(arg)) return valueOf(arg);
    if (Array.isArray(arg)) return arg.some(isFuture) ? arg.map(valueOf) : arg;
    const entries = plainEntries(arg);
    if (entries === undefined || !entries.some(([, value]) => isFuture(value))) return arg;
    return Object.fromEntries(entries.map(([key, value]) => [key, valueOf(value)]));
  });
}
