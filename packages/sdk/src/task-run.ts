import type { StateName, StateType } from "@downbeat/contract";
import { uuidv7 } from "uuidv7";
import type { AttemptObserver } from "./attempts.ts";
import { toErrorRecord } from "./error-record.ts";
import type { RunScope } from "./run-scope.ts";
import type { Timers } from "./timers.ts";

/** One call of a task. Tells the host each state it passes through, if there is a host. */
export class TaskRun implements AttemptObserver {
  readonly taskName: string;
  readonly index: number;
  readonly #scope: RunScope | undefined;
  readonly #timers: Timers;
  readonly #upstream: readonly string[];
  #id: string | undefined;
  #sequence = 0;
  #startedAt: string | undefined;

  constructor(options: {
    taskName: string;
    scope: RunScope | undefined;
    timers: Timers;
    args: readonly unknown[];
  }) {
    this.taskName = options.taskName;
    this.#scope = options.scope;
    this.#timers = options.timers;
    this.index = options.scope?.nextIndex(options.taskName) ?? 0;
    this.#upstream = options.scope?.upstreamOf(options.args) ?? [];
  }

  // Made on first use: without a host hardly anyone asks.
  get taskRunId(): string {
    return (this.#id ??= uuidv7());
  }

  awaitingSlot(attempt: number): void {
    this.#report(attempt, "SCHEDULED", "AwaitingConcurrencySlot");
  }

  started(attempt: number): void {
    this.#report(attempt, "RUNNING", attempt === 1 ? "Running" : "Retrying");
  }

  retrying(attempt: number, error: unknown): void {
    this.#report(attempt, "SCHEDULED", "AwaitingRetry", error);
  }

  completed(attempt: number): void {
    this.#report(attempt, "COMPLETED", "Completed");
  }

  failed(attempt: number, error: unknown, timedOut: boolean): void {
    this.#report(attempt, "FAILED", timedOut ? "TimedOut" : "Failed", error);
  }

  cancelled(attempt: number): void {
    this.#report(attempt, "CANCELLED", "Cancelled");
  }

  #report(attempt: number, type: StateType, name: StateName, ...thrown: [error?: unknown]): void {
    const host = this.#scope?.host;
    if (host === undefined) return;
    const at = new Date(this.#timers.now()).toISOString();
    if (type === "RUNNING") this.#startedAt ??= at;
    const ended = type !== "RUNNING" && type !== "SCHEDULED";
    host.event({
      kind: "task_run",
      taskRunId: this.taskRunId,
      taskName: this.taskName,
      index: this.index,
      sequence: this.#sequence++,
      state: { type, name, at },
      attempt,
      ...(this.#startedAt !== undefined && { startedAt: this.#startedAt }),
      ...(ended && { endedAt: at }),
      upstream: this.#upstream,
      ...(thrown.length > 0 && { error: toErrorRecord(thrown[0]) }),
    });
  }
}
