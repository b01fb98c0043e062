import { runAttempts } from "./attempts.ts";
import { currentFrame, inFrame } from "./frame.ts";
import type { RetryOptions } from "./retry-policy.ts";
import { admissionTo } from "./task-limits.ts";
import { TaskRun } from "./task-run.ts";
import { systemTimers } from "./timers.ts";

export type TaskCall<T> = {
  /** `task` or, for a flow called inside a flow, `flow`. */
  readonly noun: "task" | "flow";
  readonly name: string;
  readonly options: RetryOptions;
  /** Named limits of which each attempt holds a slot. */
  readonly limits?: readonly string[] | undefined;
  readonly args: readonly unknown[];
  readonly invoke: () => T | PromiseLike<T>;
};

/** Runs one task call: in the flow run around it if there is one, alone otherwise. */
export async function callTask<T>(call: TaskCall<T>): Promise<T> {
  const frame = currentFrame();
  const scope = frame?.scope;
  const timers = frame?.timers ?? systemTimers;
  const run = new TaskRun({ taskName: call.name, scope, timers, args: call.args });
  const plan = {
    owner: `${call.noun} "${call.name}"`,
    options: call.options,
    timers,
    firstAttempt: 1,
    signal: frame?.signal,
    admit: admissionTo(call.limits, { frame, run }),
    abandon: (work: Promise<unknown>) => scope?.abandon(work),
  };
  scope?.taskOpened();
  try {
    const result = await runAttempts(plan, run, (attempt, signal) =>
      inFrame(
        { timers, scope, task: { run, attempt }, flowAttempt: frame?.flowAttempt ?? 1, signal },
        call.invoke,
      ),
    );
    scope?.produced(result, run);
    return result;
  } finally {
    scope?.taskClosed();
  }
}
