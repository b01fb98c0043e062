import type { WorkerProcess } from "./worker-process.ts";

/**
 * Where runs execute. `warm` keeps processes with the user's modules loaded, `process` gives every run a fresh one; both
 * hand out the same {@link WorkerProcess}, so nothing else knows which it is.
 */
export interface Launcher {
  /**
   * Resolves with a process for one run; it is the caller's until given back.
   *
   * @param isBrief the run is known to be over within a moment: it may get a process that is still at work, to run behind
   * what that does. Default false.
   * @throws LaunchError when no process could be started.
   */
  take(isBrief?: boolean): Promise<WorkerProcess>;
  giveBack(worker: WorkerProcess): void;
  /** Processes that a take would get without waiting for another run to end. */
  readonly free: number;
  /** Calls back whenever a process has little left to do and no more runs wait for one. */
  whenShort?(call: () => void): void;
  /** Stops idle processes and starts no more; processes in use are stopped when they come back. */
  close(): Promise<void>;
}

/** A process for a run could not be started. */
export class LaunchError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "LaunchError";
  }
}
