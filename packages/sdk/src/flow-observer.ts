import type { AttemptObserver } from "./attempts.ts";
import { toErrorRecord } from "./error-record.ts";
import type { FlowSpec } from "./flow-spec.ts";
import { inFrame } from "./frame.ts";
import type { Frame } from "./frame.ts";
import type { KeepWitness } from "./results/keep-result.ts";
import type { FlowOutcome, ResultPointer, RunHost } from "./run-host.ts";
import type { RunScope } from "./run-scope.ts";
import { startSpan } from "./run-span.ts";
import type { RunSpan, SpanSubject } from "./run-span.ts";
import type { TaskState } from "./run-when.ts";
import { HookRunner } from "./state-hooks.ts";
import type { HookEvent } from "./state-hooks.ts";

// By name: whoever aborts may have another copy of this package.
const NO_CANCELLATION: ReadonlySet<string> = new Set(["TimeoutError", "RunLost"]);

export type FlowFrame = Frame & { readonly scope: RunScope };

/** One run of a flow. Tells its host, if there is one, and the author's hooks the states it passes through. */
export class FlowObserver implements AttemptObserver, KeepWitness {
  timedOut = false;
  /** Where the result is kept. */
  pointer: ResultPointer | undefined;
  forget: (() => Promise<void>) | undefined;
  /** Absent until the run begins, and without OpenTelemetry. */
  span: RunSpan | undefined;
  readonly #spec: FlowSpec;
  readonly #frame: FlowFrame;
  readonly #host: RunHost | undefined;
  readonly #hooks: HookRunner | undefined;
  #isRetry = false;
  #attempt = 1;

  constructor(spec: FlowSpec, frame: FlowFrame) {
    const { scope, timers } = frame;
    this.#spec = spec;
    this.#frame = frame;
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

  /** Tells the hooks that the run waits for a person, or is asked to stop, until the returned function is called. */
  watch(): () => void {
    const signal = this.#host?.signal;
    if (this.#hooks === undefined || signal === undefined) return () => {};
    this.#frame.scope.onPause = async (name, pauseKey) => {
      this.#tell({ type: "PAUSED", name }, { pauseKey });
      if (name === "Suspended") await this.#hooks?.settled();
    };
    const onAbort = (): void => {
      if (NO_CANCELLATION.has(abortedBy(this.#frame.scope)?.name ?? "")) return;
      // Whoever aborts is not in the run, and its hooks are.
      inFrame(this.#frame, () => this.#tell({ type: "CANCELLING", name: "Cancelling" }));
    };
    signal.addEventListener("abort", onAbort, { once: true });
    return () => signal.removeEventListener("abort", onAbort);
  }

  /** Tells the hooks how the run ended, unless it ends elsewhere; resolves when they are done. */
  async ended(outcome: FlowOutcome, error: unknown): Promise<void> {
    const state = stateOf(outcome);
    const thrown = outcome.outcome === "failed" ? { error } : {};
    this.#trace(state, thrown);
    if (abortedBy(this.#frame.scope)?.name !== "RunLost") this.#tell(state, thrown);
    await this.#hooks?.settled();
  }

  #fire(state: TaskState, thrown: Pick<HookEvent, "error"> = {}): void {
    this.#trace(state, thrown);
    this.#tell(state, thrown);
  }

  #trace(state: TaskState, { error }: Pick<HookEvent, "error">): void {
    this.span ??= startSpan(state, () => this.#spanSubject());
    this.span?.entered(state, this.#attempt, error);
  }

  #tell(state: TaskState, more: Pick<HookEvent, "error" | "pauseKey"> = {}): void {
    const { name } = this.#spec;
    this.#hooks?.fire({ noun: "flow", name, state, attempt: this.#attempt, ...more });
  }

  #spanSubject(): SpanSubject {
    const { spanAttributes: attributes } = this.#frame.scope;
    return { noun: "flow", name: this.#spec.name, attributes, parent: this.#host?.traceparent };
  }
}

function stateOf(outcome: FlowOutcome): TaskState {
  if (outcome.outcome === "completed") return { type: "COMPLETED", name: "Completed" };
  if (outcome.outcome === "cancelled") return { type: "CANCELLED", name: "Cancelled" };
  return { type: "FAILED", name: outcome.stateName };
}

/** The time limit of its host for which the run was stopped. */
export function overdueOf(scope: RunScope): Error | undefined {
  const reason = abortedBy(scope);
  return reason?.name === "TimeoutError" ? reason : undefined;
}

function abortedBy({ host }: RunScope): Error | undefined {
  const reason: unknown = host?.signal.reason;
  return reason instanceof Error ? reason : undefined;
}
