import type { StateName, StateType } from "@downbeat/contract";
import { uuidv7 } from "uuidv7";
import type { AttemptObserver } from "./attempts.ts";
import { toErrorRecord } from "./error-record.ts";
import { blankFrame, currentFrame } from "./frame.ts";
import type { Frame } from "./frame.ts";
import type { FutureSource } from "./future.ts";
import type { KeepWitness } from "./results/keep-result.ts";
import type { ResultPointer } from "./run-host.ts";
import { startSpan } from "./run-span.ts";
import type { RunSpan, SpanSubject } from "./run-span.ts";
import type { TaskState } from "./run-when.ts";
import { HookRunner } from "./state-hooks.ts";
import type { TaskSpec } from "./task-spec.ts";
import type { Waiting } from "./waiting.ts";

/** One call of a task. Tells the host, if there is one, and the author's hooks each state it passes through. */
export class TaskRun implements AttemptObserver, FutureSource, KeepWitness {
  readonly spec: TaskSpec;
  index: number;
  readonly parent: Waiting | undefined;
  /** How many tasks deep it was called, from 1. */
  readonly depth: number;
  waitsFor: Set<Waiting> | undefined;
  state: TaskState = { type: "PENDING", name: "Pending" };
  readonly frame: Frame;
  /** What its function is called with: as given, until futures among them have ended. */
  args: readonly unknown[];
  readonly #hooks: HookRunner | undefined;
  #upstream: readonly string[] = [];
  #renderedName: string | undefined;
  #id: string | undefined;
  #sequence = 0;
  #startedAt: string | undefined;
  #result: ResultPointer | undefined;
  #cacheKey: string | undefined;
  /** Undoes that its result was kept. */
  forget: (() => Promise<void>) | undefined;
  /** Absent until it begins, and without OpenTelemetry. */
  span: RunSpan | undefined;

  /** @param parent Whoever waits for this call. */
  constructor(spec: TaskSpec, args: readonly unknown[], parent: Waiting | undefined) {
    const frame = currentFrame() ?? blankFrame;
    this.spec = spec;
    this.parent = parent;
    this.frame = frame;
    this.depth = (frame.task?.run.depth ?? 0) + 1;
    this.args = args;
    this.#hooks = spec.hooks && new HookRunner(spec.hooks, frame.timers);
    this.index = frame.scope?.nextIndex(spec.name) ?? 0;
    this.findUpstream();
  }

  get taskName(): string {
    return this.spec.name;
  }

  get owner(): string {
    return this.spec.owner;
  }

  // Made on first use: without a host hardly anyone asks.
  get taskRunId(): string {
    return (this.#id ??= uuidv7());
  }

  /** It is the same run as one in another thread. */
  continues({ taskRunId, index }: { readonly taskRunId: string; readonly index: number }): void {
    this.#id = taskRunId;
    this.index = index;
  }

  taskRunIds(): Iterable<string> {
    return [this.taskRunId];
  }

  /** Finds the task runs whose results or futures this one was given; again once they have all ended. */
  findUpstream(): void {
    const { scope } = this.frame;
    if (scope?.host === undefined) return;
    this.#upstream = scope.upstreamOf(this.args, this.spec.edges ?? this.spec.after);
  }

  /** It waits for what it depends on. */
  pending(): void {
    this.#enter(1, "PENDING", "Pending");
  }

  awaitingSlot(attempt: number): void {
    this.#enter(attempt, "SCHEDULED", "AwaitingConcurrencySlot");
  }

  started(attempt: number): void {
    this.#enter(attempt, "RUNNING", attempt === 1 ? "Running" : "Retrying");
  }

  retrying(attempt: number, error: unknown): void {
    this.#enter(attempt, "SCHEDULED", "AwaitingRetry", error);
  }

  completed(attempt: number): void {
    this.#enter(attempt, "COMPLETED", "Completed");
  }

  failed(attempt: number, error: unknown, timedOut: boolean): void {
    this.#enter(attempt, "FAILED", timedOut ? "TimedOut" : "Failed", error);
  }

  cancelled(attempt: number): void {
    this.#enter(attempt, "CANCELLED", "Cancelled");
  }

  /** What it depends on failed. */
  upstreamFailed(error: unknown): void {
    this.#enter(1, "FAILED", "UpstreamFailed", error);
  }

  /** Its rule says that it is not to run. */
  skipped(): void {
    this.#enter(1, "COMPLETED", "Skipped");
  }

  /** Its result was there: its function is not called. */
  found(result: ResultPointer, cacheKey: string | undefined): void {
    this.kept(result, cacheKey);
    this.#startedAt = new Date(this.frame.timers.now()).toISOString();
    this.#enter(0, "COMPLETED", "Cached");
  }

  kept(result: ResultPointer | undefined, cacheKey: string | undefined): void {
    this.#result = result;
    this.#cacheKey = cacheKey;
  }

  /** Another process makes the value that it needs. */
  waiting(): void {
    if (this.state.type !== "SCHEDULED") this.awaitingSlot(1);
  }

  /** Resolves when all hooks called so far have ended. */
  hooksSettled(): Promise<void> | undefined {
    return this.#hooks?.settled();
  }

  #enter(attempt: number, type: StateType, name: StateName, ...thrown: [error?: unknown]): void {
    this.state = { type, name };
    this.span ??= startSpan(this.state, () => this.#spanSubject());
    this.span?.entered(this.state, attempt, thrown[0]);
    this.#report(attempt, thrown);
    this.#hooks?.fire({
      noun: this.spec.noun,
      name: this.spec.name,
      state: this.state,
      attempt,
      ...(thrown.length > 0 && { error: thrown[0] }),
    });
  }

  #report(attempt: number, thrown: readonly [error?: unknown]): void {
    const { scope, timers } = this.frame;
    if (scope?.host === undefined) return;
    const { type } = this.state;
    const at = new Date(timers.now()).toISOString();
    if (type === "RUNNING") this.#startedAt ??= at;
    const ended = type === "COMPLETED" || type === "FAILED" || type === "CANCELLED";
    const renderedName = this.#name();
    scope.host.event({
      kind: "task_run",
      taskRunId: this.taskRunId,
      taskName: this.taskName,
      index: this.index,
      sequence: this.#sequence++,
      state: { ...this.state, at },
      attempt,
      ...(this.#startedAt !== undefined && { startedAt: this.#startedAt }),
      ...(ended && { endedAt: at }),
      upstream: this.#upstream,
      ...(thrown.length > 0 && { error: toErrorRecord(thrown[0]) }),
      ...(renderedName !== undefined && { renderedName }),
      ...(this.#result !== undefined && { result: this.#result }),
      ...(this.#cacheKey !== undefined && { cacheKey: this.#cacheKey }),
    });
  }

  #spanSubject(): SpanSubject {
    const { spec, frame, taskRunId, index } = this;
    const attributes = {
      ...frame.scope?.spanAttributes,
      "downbeat.task.name": spec.name,
      "downbeat.task_run.id": taskRunId,
      "downbeat.task_run.index": index,
    };
    return { noun: spec.noun, name: spec.name, attributes };
  }

  // Once the arguments are known: a template may speak of what a future brings.
  #name(): string | undefined {
    if (this.state.type === "PENDING") return undefined;
    return (this.#renderedName ??= this.spec.renderName?.(this.args));
  }
}
