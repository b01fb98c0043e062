import type { Fence } from "@downbeat/testkit/history";
import type { ReportedTransition } from "./store.ts";

/** What of an agent survives its process: outbox and journal. A run leaves the journal as its end enters the outbox. */
export class AgentDisk {
  outbox: ReportedTransition[] = [];
  readonly startedRuns = new Map<string, Fence>();
  readonly sessionIds = new Set<string>();

  /** Puts a run's end into the outbox and takes the run out of the journal, in one write. */
  putEnd(end: ReportedTransition): void {
    this.outbox.push(end);
    this.startedRuns.delete(end.runId);
  }

  acknowledge(items: readonly ReportedTransition[]): void {
    this.outbox = this.outbox.filter((item) => !items.includes(item));
  }
}
