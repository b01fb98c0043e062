import type { Actor, StateType } from "@downbeat/contract";

/** How a leased run stood when this process last wrote it. */
export type RememberedRun = {
  readonly workspaceId: string;
  readonly epoch: number;
  readonly leaseToken: string;
  /** Who claimed it. */
  readonly holder: Actor;
  readonly type: StateType;
  /** Number of the last history row. */
  readonly sequence: number;
};

const MOST_RUNS = 20_000;

/**
 * What this process knows of leased runs without asking. Another process, or the engine, may have moved a run since: what
 * is written from memory names the sequence and the lease it expects, and the database decides. Holds the newest only.
 */
export class RunMemory {
  readonly #runs = new Map<string, RememberedRun>();

  get(workspaceId: string, runId: string): RememberedRun | undefined {
    const run = this.#runs.get(runId);
    return run?.workspaceId === workspaceId ? run : undefined;
  }

  note(runId: string, run: RememberedRun): void {
    this.#runs.set(runId, run);
    if (this.#runs.size <= MOST_RUNS) return;
    const [oldest] = this.#runs.keys();
    if (oldest !== undefined) this.#runs.delete(oldest);
  }

  /** Forgets the run: whoever is about to write it notes what has become of it. */
  take(workspaceId: string, runId: string): RememberedRun | undefined {
    const run = this.get(workspaceId, runId);
    if (run !== undefined) this.#runs.delete(runId);
    return run;
  }
}
