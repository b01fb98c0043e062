import type { Fence } from "@downbeat/testkit/history";

/** A lease in an agent's hands: from the claim until the plane has acknowledged its end. */
export type HeldRun = {
  readonly lease: Fence;
  readonly leasedAtMs: number;
  phase: "preparing" | "queued" | "announcing" | "running" | "over";
  isCancelRequested: boolean;
  /** Keys of the pause points that it passes. */
  readonly inputs: Set<string>;
  /** The key of the pause point at which its process waits. */
  awaits?: string | undefined;
};

/** The leases an agent holds, in the order in which they came. */
export class RunTable {
  readonly #held = new Map<string, HeldRun>();

  get size(): number {
    return this.#held.size;
  }

  all(): HeldRun[] {
    return [...this.#held.values()];
  }

  get(runId: string): HeldRun | undefined {
    return this.#held.get(runId);
  }

  has({ runId, epoch }: Pick<Fence, "runId" | "epoch">): boolean {
    return this.#held.get(runId)?.lease.epoch === epoch;
  }

  add(held: HeldRun): void {
    this.#held.set(held.lease.runId, held);
  }

  /** Forgets the lease, unless a later one of the same run has taken its place. */
  remove(lease: Pick<Fence, "runId" | "epoch">): void {
    if (this.has(lease)) this.#held.delete(lease.runId);
  }
}
