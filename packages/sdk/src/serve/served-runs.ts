import type { Lease } from "@downbeat/contract";
import type { ServedRun } from "./served-run.ts";

/** The leases that this process holds. A lease counts until the plane has acknowledged its end, as the plane counts it too. */
export class ServedRuns {
  readonly #held = new Map<string, ServedRun>();
  #changed = new AbortController();

  get size(): number {
    return this.#held.size;
  }

  get(runId: string): ServedRun | undefined {
    return this.#held.get(runId);
  }

  all(): ServedRun[] {
    return [...this.#held.values()];
  }

  has({ runId, epoch }: Pick<Lease, "runId" | "epoch">): boolean {
    return this.#held.get(runId)?.lease.epoch === epoch;
  }

  add(run: ServedRun): void {
    // A later lease of the same run: the earlier one is void, whatever its code still does.
    this.#held.get(run.lease.runId)?.fence();
    this.#held.set(run.lease.runId, run);
  }

  remove({ lease }: ServedRun): void {
    if (this.has(lease)) this.#held.delete(lease.runId);
    this.#changed.abort();
  }

  /** Aborts when the next lease is gone. */
  nextChange(): AbortSignal {
    if (this.#changed.signal.aborted) this.#changed = new AbortController();
    return this.#changed.signal;
  }
}
