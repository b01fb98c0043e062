import type { WorkerProcess } from "./launchers/worker-process.ts";

export type StopGraces = {
  /** From the cancel message to SIGTERM for the process group. Default 5 s. */
  readonly cancelGraceMs: number;
  /** From SIGTERM to SIGKILL. Default 3 s. */
  readonly killGraceMs: number;
};

/** Stops the process of a run: the flow is told, then its process group gets SIGTERM, then SIGKILL. */
export class ProcessStop {
  readonly #graces: StopGraces;
  #escalation: NodeJS.Timeout | undefined;

  constructor(graces: StopGraces) {
    this.#graces = graces;
  }

  /** @param passedLimitMs the time limit for which it is stopped; undefined: it was cancelled */
  begin(worker: WorkerProcess, runId: string, passedLimitMs?: number): void {
    const { cancelGraceMs, killGraceMs } = this.#graces;
    worker.cancel(runId, passedLimitMs);
    this.#escalation = setTimeout(() => {
      worker.signal("SIGTERM");
      this.#escalation = setTimeout(() => worker.signal("SIGKILL"), killGraceMs);
    }, cancelGraceMs);
  }

  /** The run is over. */
  end(): void {
    clearTimeout(this.#escalation);
  }
}
