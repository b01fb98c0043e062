import { callTask } from "./call-task.ts";
import { currentFrame } from "./frame.ts";
import type { Frame } from "./frame.ts";
import { TaskFuture } from "./future.ts";
import type { FutureSource } from "./future.ts";
import { TaskRun } from "./task-run.ts";
import type { TaskSpec } from "./task-spec.ts";
import { warnUnobserved } from "./unobserved.ts";

/** Starts a task call as soon as the code that submits it has come to rest; nobody waits for it but through the future. */
export function submitTask(spec: TaskSpec, args: readonly unknown[]): TaskFuture<unknown> {
  const run = new TaskRun(spec, args, undefined);
  return futureOf(run, () => callTask(run, undefined));
}

/** A future of work that starts in a moment, known to the flow run around it from now on. */
export function futureOf<T>(source: FutureSource, work: () => Promise<T>): TaskFuture<T> {
  const frame = currentFrame();
  frame?.scope?.taskOpened();
  frame?.transaction?.taskOpened();
  const promise = Promise.resolve()
    .then(work)
    .finally(() => {
      frame?.transaction?.taskClosed();
      frame?.scope?.taskClosed();
    });
  const future = new TaskFuture(source, promise, (failed, error) =>
    onUnobserved(frame, failed, error),
  );
  frame?.scope?.submitted(future);
  return future;
}

// Outside a flow there is no end at which to look again. As with promises, one turn is the time to await it.
function onUnobserved(frame: Frame | undefined, future: TaskFuture<unknown>, error: unknown): void {
  if (frame?.scope !== undefined) return frame.scope.failedUnobserved(future, error);
  setImmediate(() => {
    if (!future.isObserved) warnUnobserved(future, error);
  });
}
