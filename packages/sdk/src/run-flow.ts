import { runAttempts } from "./attempts.ts";
import type { AttemptPlan } from "./attempts.ts";
import { toErrorRecord } from "./error-record.ts";
import { checkRawParameters } from "./flow-parameters.ts";
import { ParameterError } from "./errors.ts";
import { FlowObserver, overdueOf } from "./flow-observer.ts";
import type { FlowFrame } from "./flow-observer.ts";
import type { FlowSpec } from "./flow-spec.ts";
import { blankFrame, currentFrame, inFrame } from "./frame.ts";
import type { FlowOutcome, RunHost } from "./run-host.ts";
import { keepResult } from "./results/keep-result.ts";
import { openScope } from "./open-scope.ts";
import type { RunScope } from "./run-scope.ts";
import { inSpan } from "./run-span.ts";
import { Slots } from "./slots.ts";

const ABANDONED_GRACE_MS = 1_000;

/** A flow call on its way: how to call it, and whom to tell. */
export type FlowCall = {
  readonly spec: FlowSpec;
  readonly thisArg: unknown;
  readonly args: readonly unknown[];
  readonly host: RunHost | undefined;
  readonly printsLogs: boolean;
  /** Whether an attempt lasts until its last task has settled, also one that nobody awaited. */
  readonly waitsForTasks: boolean;
};

export type FlowEnd<T> = { readonly outcome: FlowOutcome } & (
  | { readonly threw: false; readonly result: T }
  | { readonly threw: true; readonly error: unknown }
);

/** Runs a flow that an agent drives. Never rejects. */
export async function executeFlow(
  spec: FlowSpec,
  raw: unknown,
  host: RunHost,
): Promise<FlowOutcome> {
  const checked = await checkRawParameters(spec, raw).catch((broken: unknown) => ({
    ok: false as const,
    broken,
  }));
  if (!checked.ok) {
    const error =
      "broken" in checked
        ? checked.broken
        : new ParameterError(`flow "${spec.name}"`, checked.issues, checked.cause);
    return { outcome: "failed", stateName: "Failed", error: toErrorRecord(error) };
  }
  const call = {
    spec,
    thisArg: undefined,
    args: checked.args,
    host,
    printsLogs: false,
    waitsForTasks: true,
  };
  return (await runFlow(call)).outcome;
}

/** Runs a flow whose arguments have been checked, with its retries and its timeout. Never rejects. */
export async function runFlow(call: FlowCall): Promise<FlowEnd<unknown>> {
  const { spec, host } = call;
  const { timers } = currentFrame() ?? blankFrame;
  const { captureConsole } = spec;
  const { printsLogs } = call;
  const scope = openScope({ host, flowName: spec.name, printsLogs, captureConsole });
  const frame = { ...blankFrame, timers, scope };
  return inFrame(frame, () => attemptAndEnd(call, new FlowObserver(spec, frame), frame));
}

async function attemptAndEnd(
  call: FlowCall,
  observer: FlowObserver,
  frame: FlowFrame,
): Promise<FlowEnd<unknown>> {
  const { scope } = frame;
  const unwatch = observer.watch();
  try {
    const result = await resultOf(call, observer, frame);
    const { pointer } = observer;
    const completed = { outcome: "completed", ...(pointer && { result: pointer }) } as const;
    return { threw: false, result, outcome: await end(completed, undefined) };
  } catch (error) {
    const stateName = observer.timedOut ? "TimedOut" : "Failed";
    const failed = { outcome: "failed", stateName, error: toErrorRecord(error) } as const;
    return { threw: true, error, outcome: await end(failed, error) };
  }

  async function end(ended: FlowOutcome, error: unknown): Promise<FlowOutcome> {
    unwatch();
    scope.ended();
    await letAbandonedWorkStop(call, scope);
    const overdue = overdueOf(scope);
    const outcome = outcomeOf(scope, ended, overdue);
    await observer.ended(outcome, overdue ?? error);
    scope.flushShown();
    return outcome;
  }
}

function resultOf(call: FlowCall, observer: FlowObserver, frame: FlowFrame): Promise<unknown> {
  const { keep: plan } = call.spec;
  const attempts = planOf(call, frame);
  if (plan === undefined) return attempt();
  // Apart from the same flow called inside itself, which is a task of this run.
  const owner = `the run of ${attempts.owner}`;
  const { signal } = attempts;
  return keepResult({ ...frame, plan, owner, signal, args: call.args, witness: observer }, attempt);

  function attempt(keep?: (value: unknown) => Promise<void>): Promise<unknown> {
    const make = async () => {
      const value = await invoke(call, frame.scope);
      await keep?.(value);
      return value;
    };
    return runAttempts(attempts, observer, (flowAttempt, signal) =>
      inSpan(observer.span, () =>
        inFrame({ ...frame, flowAttempt, signal, slots: slotsOf(call.spec) }, make),
      ),
    );
  }
}

function planOf({ spec, host }: FlowCall, { timers, scope }: FlowFrame): AttemptPlan {
  return {
    owner: `flow "${spec.name}"`,
    options: spec.options,
    timers,
    firstAttempt: host?.run.attempt ?? 1,
    signal: host?.signal,
    abandon: (work) => scope.abandon(work),
  };
}

function slotsOf({ concurrency }: FlowSpec): Slots | undefined {
  return concurrency === undefined ? undefined : new Slots(concurrency);
}

async function invoke(call: FlowCall, scope: RunScope): Promise<unknown> {
  scope.attemptBegins();
  try {
    return (await Reflect.apply(call.spec.fn, call.thisArg, call.args)) as unknown;
  } finally {
    scope.returned();
    if (call.waitsForTasks) await scope.drained();
  }
}

// Code that heeds its signal stops soon after a timeout; only what does not costs the process its place.
async function letAbandonedWorkStop(call: FlowCall, scope: RunScope): Promise<void> {
  if (!call.waitsForTasks || !scope.hasAbandonedWork) return;
  const { timers } = currentFrame() ?? blankFrame;
  await new Promise<void>((resolve) => {
    const cancelTimer = timers.after(ABANDONED_GRACE_MS, resolve);
    void scope.abandonedWorkSettled().then(() => {
      cancelTimer();
      resolve();
    });
  });
}

function outcomeOf(scope: RunScope, outcome: FlowOutcome, overdue: Error | undefined): FlowOutcome {
  const ended = scope.host?.signal.aborted ? stopped(outcome, overdue) : outcome;
  return scope.hasAbandonedWork ? { ...ended, abandoned: true } : ended;
}

// A flow that was asked to stop counts as cancelled however it ended: returning early is how cooperative code stops. But
// one that returns past its host's time limit has done its work.
function stopped(outcome: FlowOutcome, overdue: Error | undefined): FlowOutcome {
  if (overdue === undefined) return { outcome: "cancelled" };
  if (outcome.outcome === "completed") return outcome;
  return { outcome: "failed", stateName: "TimedOut", error: toErrorRecord(overdue) };
}
