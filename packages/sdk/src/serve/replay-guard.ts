import type { Lease } from "@downbeat/contract";

// A hundred bytes each. A lease older than that many later ones would have lapsed long ago.
const MOST_REMEMBERED = 100_000;

/**
 * Remembers which leases this process has taken. Epochs of a run only rise, so a lease whose epoch is not higher than one
 * seen before was granted already: a plane that hands it out again, by mistake or on purpose, gets no second execution.
 */
export class ReplayGuard {
  readonly #epochs = new Map<string, number>();

  /** Takes note of a lease; false when it, or a later one of its run, was taken before. */
  admit({ runId, epoch }: Pick<Lease, "runId" | "epoch">): boolean {
    const seen = this.#epochs.get(runId);
    if (seen !== undefined && epoch <= seen) return false;
    this.#epochs.delete(runId); // set again, so that the map stays in order of last use
    this.#epochs.set(runId, epoch);
    if (this.#epochs.size > MOST_REMEMBERED) {
      for (const oldest of this.#epochs.keys()) {
        this.#epochs.delete(oldest);
        break;
      }
    }
    return true;
  }
}
