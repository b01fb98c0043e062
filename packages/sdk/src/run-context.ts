import { currentFrame } from "./frame.ts";
import type { RunIdentity } from "./run-host.ts";

/** Which run and task the code is in, as {@link runContext} tells it. */
export type RunContext = {
  /** The flow run around this code; absent outside a flow. `attempt` is the flow's, from 1. */
  readonly run?: RunIdentity;
  /** The task run around this code; absent in a flow's own body. */
  readonly task?: {
    readonly taskRunId: string;
    readonly taskName: string;
    /** The how-manieth run of this task in the flow run, from 0. */
    readonly index: number;
    /** From 1. */
    readonly attempt: number;
    /** How many more attempts may follow this one. */
    readonly retriesLeft: number;
  };
  /** Aborts when this attempt times out or the run is cancelled. Pass it to `fetch` and the like. */
  readonly signal: AbortSignal;
};

/**
 * Where this code runs. Never throws: outside any flow or task, `run` and `task` are absent and the signal never
 * aborts, so a function that asks can still be called from its own tests.
 *
 * @example
 * const reply = await fetch(url, { signal: runContext().signal });
 */
export function runContext(): RunContext {
  const frame = currentFrame();
  const run = frame?.scope?.run;
  const task = frame?.task;
  return {
    ...(run !== undefined && { run: { ...run, attempt: frame?.flowAttempt ?? run.attempt } }),
    ...(task !== undefined && {
      task: {
        taskRunId: task.run.taskRunId,
        taskName: task.run.taskName,
        index: task.run.index,
        attempt: task.attempt,
        retriesLeft: Math.max(0, (task.run.spec.retry.retries ?? 0) + 1 - task.attempt),
      },
    }),
    signal: frame?.signal ?? new AbortController().signal,
  };
}
