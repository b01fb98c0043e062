import { runAttempts } from "./attempts.ts";
import type { AttemptObserver } from "./attempts.ts";
import { toErrorRecord } from "./error-record.ts";
import { checkRawParameters } from "./flow-parameters.ts";
import { ParameterError } from "./errors.ts";
import type { FlowSpec } from "./flow-spec.ts";
import { currentFrame, inFrame } from "./frame.ts";
import type { FlowOutcome, RunHost } from "./run-host.ts";
import { RunScope } from "./run-scope.ts";
import { systemTimers } from "./timers.ts";

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
        : new ParameterError(spec.name, checked.issues, checked.cause);
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
  const timers = currentFrame()?.timers ?? systemTimers;
  const scope = new RunScope({ host, flowName: spec.name, printsLogs: call.printsLogs });
  const observer = new FlowObserver(host);
  const plan = {
    owner: `flow "${spec.name}"`,
    options: spec.options,
    timers,
    firstAttempt: host?.run.attempt ?? 1,
    signal: host?.signal,
    abandon: (work: Promise<unknown>) => scope.abandon(work),
  };
  try {
    const result = await runAttempts(plan, observer, (flowAttempt, signal) =>
      inFrame({ timers, scope, task: undefined, flowAttempt, signal }, () => invoke(call, scope)),
    );
    await letAbandonedWorkStop(call, scope);
    return { threw: false, result, outcome: outcomeOf(scope, { outcome: "completed" }) };
  } catch (error) {
    const stateName = observer.timedOut ? "TimedOut" : "Failed";
    const failed = { outcome: "failed", stateName, error: toErrorRecord(error) } as const;
    await letAbandonedWorkStop(call, scope);
    return { threw: true, error, outcome: outcomeOf(scope, failed) };
  }
}

async function invoke(call: FlowCall, scope: RunScope): Promise<unknown> {
  scope.attemptBegins();
  try {
    return (await Reflect.apply(call.spec.fn, call.thisArg, call.args)) as unknown;
  } finally {
    if (call.waitsForTasks) await scope.drained();
  }
}

// Code that heeds its signal stops soon after a timeout; only what does not costs the process its place.
async function letAbandonedWorkStop(call: FlowCall, scope: RunScope): Promise<void> {
  if (!call.waitsForTasks || !scope.hasAbandonedWork) return;
  const timers = currentFrame()?.timers ?? systemTimers;
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

class FlowObserver implements AttemptObserver {
  timedOut = false;
  readonly #host: RunHost | undefined;
  #isRetry = false;

  constructor(host: RunHost | undefined) {
    this.#host = host;
  }

  // The host itself reports the first start: it has to, before user code runs.
  started(attempt: number): void {
    if (this.#isRetry)
      this.#host?.event({
        kind: "flow_state",
        state: { type: "RUNNING", name: "Running" },
        attempt,
      });
  }

  retrying(attempt: number, error: unknown): void {
    this.#isRetry = true;
    this.#host?.event({
      kind: "flow_state",
      state: { type: "RUNNING", name: "Retrying" },
      attempt: attempt + 1,
      error: toErrorRecord(error),
    });
  }

  failed(_attempt: number, _error: unknown, timedOut: boolean): void {
    this.timedOut = timedOut;
  }

  completed(): void {}

  cancelled(): void {}
}
