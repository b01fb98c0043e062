import { watchConsole } from "./capture-console.ts";
import { runAttempts } from "./attempts.ts";
import type { AttemptObserver, AttemptPlan } from "./attempts.ts";
import { toErrorRecord } from "./error-record.ts";
import { checkRawParameters } from "./flow-parameters.ts";
import { ParameterError } from "./errors.ts";
import type { FlowSpec } from "./flow-spec.ts";
import { blankFrame, currentFrame, inFrame } from "./frame.ts";
import type { Frame } from "./frame.ts";
import type { FlowOutcome, ResultPointer, RunHost } from "./run-host.ts";
import { keepResult } from "./results/keep-result.ts";
import type { KeepWitness } from "./results/keep-result.ts";
import { RunScope } from "./run-scope.ts";
import { inSpan, startSpan } from "./run-span.ts";
import type { RunSpan, SpanSubject } from "./run-span.ts";
import type { TaskState } from "./run-when.ts";
import { Slots } from "./slots.ts";
import { HookRunner } from "./state-hooks.ts";

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
  const capturesConsole = spec.captureConsole ?? host?.capturesConsole;
  const { printsLogs } = call;
  const scope = new RunScope({ host, flowName: spec.name, printsLogs, capturesConsole });
  if (capturesConsole === true) watchConsole();
  const frame = { ...blankFrame, timers, scope };
  return inFrame(frame, () => attemptAndEnd(call, new FlowObserver(spec, frame), frame));
}

type FlowFrame = Frame & { readonly scope: RunScope };

async function attemptAndEnd(
  call: FlowCall,
  observer: FlowObserver,
  frame: FlowFrame,
): Promise<FlowEnd<unknown>> {
  const { scope } = frame;
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
    scope.ended();
    await letAbandonedWorkStop(call, scope);
    const outcome = outcomeOf(scope, ended);
    await observer.ended(outcome, error);
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

// A flow that was asked to stop counts as cancelled however it ended: returning early is how cooperative code stops.
function outcomeOf(scope: RunScope, outcome: FlowOutcome): FlowOutcome {
  const ended = scope.host?.signal.aborted ? ({ outcome: "cancelled" } as const) : outcome;
  return scope.hasAbandonedWork ? { ...ended, abandoned: true } : ended;
}

class FlowObserver implements AttemptObserver, KeepWitness {
  timedOut = false;
  /** Where the result is kept. */
  pointer: ResultPointer | undefined;
  forget: (() => Promise<void>) | undefined;
  /** Absent until the run begins, and without OpenTelemetry. */
  span: RunSpan | undefined;
  readonly #spec: FlowSpec;
  readonly #scope: RunScope;
  readonly #host: RunHost | undefined;
  readonly #hooks: HookRunner | undefined;
  #isRetry = false;
  #attempt = 1;

  constructor(spec: FlowSpec, { scope, timers }: FlowFrame) {
    this.#spec = spec;
    this.#scope = scope;
    this.#host = scope.host;
    this.#hooks = spec.hooks && new HookRunner(spec.hooks, timers);
  }

  // The host itself reports the first start: it has to, before user code runs.
  started(attempt: number): void {
    this.#attempt = attempt;
    const state = { type: "RUNNING", name: "Running" } as const;
    if (this.#isRetry) this.#host?.event({ kind: "flow_state", state, attempt });
    this.#fire(state);
  }

  retrying(attempt: number, error: unknown): void {
    this.#isRetry = true;
    this.#host?.event({
      kind: "flow_state",
      state: { type: "RUNNING", name: "Retrying" },
      attempt: attempt + 1,
      error: toErrorRecord(error),
    });
    this.#fire({ type: "SCHEDULED", name: "AwaitingRetry" }, { error });
  }

  failed(_attempt: number, _error: unknown, timedOut: boolean): void {
    this.timedOut = timedOut;
  }

  found(result: ResultPointer): void {
    this.pointer = result;
  }

  kept(result: ResultPointer | undefined): void {
    this.pointer = result;
  }

  waiting(): void {}

  completed(): void {}

  cancelled(): void {}

  /** Tells the hooks how the run ended; resolves when they are done. */
  async ended(outcome: FlowOutcome, error: unknown): Promise<void> {
    if (outcome.outcome === "completed") this.#fire({ type: "COMPLETED", name: "Completed" });
    else if (outcome.outcome === "cancelled") this.#fire({ type: "CANCELLED", name: "Cancelled" });
    else this.#fire({ type: "FAILED", name: outcome.stateName }, { error });
    await this.#hooks?.settled();
  }

  #fire(state: TaskState, thrown: { error?: unknown } = {}): void {
    const attempt = this.#attempt;
    this.span ??= startSpan(state, () => this.#spanSubject());
    this.span?.entered(state, attempt, thrown.error);
    this.#hooks?.fire({ noun: "flow", name: this.#spec.name, state, attempt, ...thrown });
  }

  #spanSubject(): SpanSubject {
    const { spanAttributes: attributes } = this.#scope;
    return { noun: "flow", name: this.#spec.name, attributes, parent: this.#host?.traceparent };
  }
}
