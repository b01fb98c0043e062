import { isTerminal, type Lease, type ReportItem, type ReportOutcome } from "@downbeat/contract";
import type { RunSupervisor } from "./run-supervisor.ts";

/** The leases this agent holds. A lease counts until the plane has acknowledged its end, as the plane counts it too. */
export class RunTable {
  readonly #held = new Map<string, RunSupervisor>();
  #whenChanged: (() => void)[] = [];

  get size(): number {
    return this.#held.size;
  }

  get(runId: string): RunSupervisor | undefined {
    return this.#held.get(runId);
  }

  all(): RunSupervisor[] {
    return [...this.#held.values()];
  }

  /** Whether this very lease is held; a retried claim may hand it out twice. */
  has({ runId, epoch }: Pick<Lease, "runId" | "epoch">): boolean {
    return this.#held.get(runId)?.lease.epoch === epoch;
  }

  add(supervisor: RunSupervisor): void {
    this.#held.set(supervisor.lease.runId, supervisor);
  }

  /** Forgets the lease, unless a later one of the same run has taken its place. */
  remove({ runId, epoch }: Pick<Lease, "runId" | "epoch">): void {
    if (!this.has({ runId, epoch })) return;
    this.#held.delete(runId);
    for (const resolve of this.#whenChanged.splice(0)) resolve();
  }

  /** Takes the plane's final word about a report. */
  settle(item: ReportItem, status: ReportOutcome["status"]): void {
    if (status === "fenced" && this.has(item)) this.get(item.runId)?.fence();
    // A suspended run has left this agent as an ended one has.
    if (item.kind !== "transition") return;
    if (isTerminal(item.type) || item.name === "Suspended") this.remove(item);
  }

  /** Resolves when a lease is gone, or the signal aborts. */
  changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const done = () => {
        signal.removeEventListener("abort", done);
        resolve();
      };
      signal.addEventListener("abort", done);
      this.#whenChanged.push(done);
    });
  }
}
