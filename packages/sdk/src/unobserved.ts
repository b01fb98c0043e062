import type { TaskFuture } from "./future.ts";
import { log } from "./log.ts";

/** Makes a failure seen that nobody awaits: a promise would have ended the process. */
export function warnUnobserved(future: TaskFuture<unknown>, error: unknown): void {
  log.warn(`task "${future.taskName}" failed, and nothing awaits its future`, { error });
}
