import type { Lease, ReportItem, ReportOutcome, StateReasonCode } from "@downbeat/contract";
import { shownKey } from "../artifacts/shown.ts";
import type { PausePoint } from "../pause-point.ts";
import type { ErrorRecord, RunEvent, ShownEvent } from "../run-host.ts";
import { runningItem } from "../session/running-item.ts";
import type { Sealer } from "../standalone/recorder.ts";
import { ReportItems } from "../standalone/report-items.ts";
import { warnOnce } from "../standalone/warn-once.ts";
import type { RunOutcome } from "../worker/messages.ts";
import type { ReportQueue } from "./report-queue.ts";

export type RunReportsOptions = {
  readonly lease: Lease;
  readonly keys: Pick<Sealer, "full">;
  readonly reports: ReportQueue;
  /** Whether the log is deflated before it is sealed. */
  readonly compressLogs: boolean;
  /** The plane has answered that the lease is void. */
  readonly onFenced: () => void;
};

// Events of this long travel together.
const GATHER_MS = 50;

/** What one run reports: gathered for a moment, sealed in order, and put in line. */
export class RunReports {
  readonly #options: RunReportsOptions;
  readonly #items: ReportItems;
  #events: RunEvent[] = [];
  /** What the run shows and is not in line yet, in its newest version. */
  readonly #shown = new Map<string, ShownEvent>();
  #gathering: NodeJS.Timeout | undefined;
  #sealing: Promise<void> = Promise.resolve();
  #isEnding = false;
  #isAbandoned = false;

  constructor(options: RunReportsOptions) {
    this.#options = options;
    this.#items = new ReportItems({ ...options, sealer: options.keys });
  }

  /** Announces that user code is about to begin; resolves with what the plane says to that. */
  async announce(): Promise<ReportOutcome | undefined> {
    const [outcome] = await this.#options.reports.put([runningItem(this.#options.lease)]);
    return outcome;
  }

  take(event: RunEvent): void {
    if (this.#isAbandoned || this.#isEnding) return;
    if (event.kind === "artifact" || event.kind === "metric")
      this.#shown.set(shownKey(event), event);
    else this.#events.push(event);
    this.#gathering ??= setTimeout(() => this.#flush(), GATHER_MS);
  }

  /** The flow waits for someone; reported after everything before it. */
  paused(point: PausePoint, reason: StateReasonCode): void {
    this.#flush();
    this.#inTurn(async () => [this.#items.paused(point, reason)]);
  }

  /** Reports the end, after everything before it; resolves when the plane has answered. */
  async end(outcome: RunOutcome, reason?: StateReasonCode): Promise<void> {
    this.#isEnding = true; // of a suspended flow tasks may still be open; what becomes of them is nobody's concern
    this.#flush({ isLast: true });
    await this.#sealing;
    await this.#put(await this.#items.end(outcome, reason));
  }

  /** Reports, after everything before it, that the process leaves the run. The log stays open until {@link endLog}. */
  crash(error: ErrorRecord): void {
    this.#flush({ isLast: true });
    this.#inTurn(async () => [await this.#items.crash(error)]);
  }

  /** Ends the log of a run that has crashed; resolves once everything is in line. */
  async endLog(): Promise<void> {
    this.#isEnding = true;
    this.#flush({ isLast: true });
    this.#inTurn(() => this.#items.endOfLog());
    await this.#sealing;
  }

  /** Says nothing more: someone else holds the run now. */
  abandon(): void {
    this.#isAbandoned = true;
    this.#events = [];
    this.#shown.clear();
    clearTimeout(this.#gathering);
  }

  #flush({ isLast = false } = {}): void {
    clearTimeout(this.#gathering);
    this.#gathering = undefined;
    const events = [...this.#events, ...this.#takeShown(isLast)];
    this.#events = [];
    if (events.length > 0) this.#inTurn(() => this.#items.of(this.#fitting(events)));
  }

  /** One after another: what happened first is reported first. */
  #inTurn(make: () => Promise<ReportItem[]>): void {
    this.#sealing = this.#sealing
      .then(async () => void this.#put(await make()))
      .catch((error: unknown) => warnOnce("events of a run could not be reported", error));
  }

  /** While too much waits for the plane, states are still kept, and lines of the log counted. */
  #fitting(events: readonly RunEvent[]): readonly RunEvent[] {
    if (!this.#options.reports.isFull) return events;
    const kept = events.filter(({ kind }) => kind !== "log");
    const leftOut = events.length - kept.length;
    if (leftOut > 0) warnOnce("log lines were left out", "too much waits for the plane to be back");
    this.#items.leaveOut(leftOut);
    return kept;
  }

  /** While too much waits for the plane, what is shown waits here: a newer version takes the place of the last. */
  #takeShown(isLast: boolean): ShownEvent[] {
    if (this.#options.reports.isFull && !isLast) return [];
    const shown = [...this.#shown.values()];
    this.#shown.clear();
    return shown;
  }

  async #put(items: readonly ReportItem[]): Promise<void> {
    if (this.#isAbandoned) return;
    const outcomes = await this.#options.reports.put(items);
    if (outcomes.some(({ status }) => status === "fenced")) this.#options.onFenced();
  }
}
