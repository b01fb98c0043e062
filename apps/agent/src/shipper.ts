import { BATCH_LIMIT, mayPass, type ReportOutcome } from "@downbeat/contract";
import type { Caller } from "@downbeat/client";
import { pause, type Backoff } from "@downbeat/sdk/protocol";
import type { Logger } from "pino";
import type { Outbox, OutboxEntry } from "./outbox.ts";
import type { Pace } from "./pace.ts";
import type { PlaneWatch } from "./plane-watch.ts";
import { retrying } from "./retrying.ts";

export type ShipperOptions = {
  readonly client: Pick<Caller, "call">;
  readonly outbox: Outbox;
  readonly logger: Logger;
  readonly watch: PlaneWatch;
  /** Is told the answer to each item, once. Fenced and rejected are final too. */
  readonly onOutcome: (entry: OutboxEntry, outcome: ReportOutcome) => void;
  /** Says when reports gather for longer than usual. */
  readonly pace?: Pick<Pace, "gatheringMs">;
  readonly backoff?: Backoff;
  readonly random?: () => number;
};

/** Half of what the API accepts as a body. */
const BATCH_BYTES = 4 * 1024 * 1024;
// Between two batches a little more gathers; the first report after a silence goes at once.
const LINGER_MS = 4;

/**
 * Carries the outbox to the plane: oldest first, one batch at a time, forever. An item leaves the outbox only when the
 * plane has answered it.
 */
export class Shipper {
  readonly #options: ShipperOptions;
  readonly #stopped = new AbortController();
  #wake: () => void = () => {};
  #running: Promise<void> | undefined;
  #delivered = 0;
  #answeredAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: ShipperOptions) {
    this.#options = options;
    options.outbox.onReady(() => this.#wake());
  }

  /** Items answered so far; rises as long as deliveries succeed. */
  get delivered(): number {
    return this.#delivered;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Ends after the batch under way is answered or has failed. What is left stays in the outbox. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#wake();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { outbox } = this.#options;
    while (!this.#stopped.signal.aborted) {
      await this.#gather();
      const entries = await outbox.read({ limit: BATCH_LIMIT, maxBytes: BATCH_BYTES });
      if (entries.length > 0) await this.#deliver(entries);
      else await this.#untilWoken();
    }
  }

  async #gather(): Promise<void> {
    const { outbox, pace } = this.#options;
    if (outbox.size >= BATCH_LIMIT) return;
    const lingerMs = Math.max(LINGER_MS, pace?.gatheringMs() ?? 0);
    if (performance.now() - this.#answeredAtMs < lingerMs)
      await pause(lingerMs, this.#stopped.signal);
  }

  #untilWoken(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      // Something may have become ready between the read and this line.
      if (this.#options.outbox.hasReady || this.#stopped.signal.aborted) setImmediate(resolve);
    });
  }

  async #deliver(entries: readonly OutboxEntry[]): Promise<void> {
    const items = entries.map(({ item }) => item);
    try {
      const { outcomes } = await retrying(
        () =>
          this.#options.client.call(
            "report",
            { body: { items } },
            { signal: this.#stopped.signal },
          ),
        {
          ...this.#options,
          signal: this.#stopped.signal,
          failure: "reports cannot be delivered; they are kept and retried",
        },
      );
      await this.#settle(entries, outcomes);
    } catch (error) {
      if (this.#stopped.signal.aborted || mayPass(error)) return;
      await this.#isolate(entries, error);
    }
  }

  /** The plane will never take this batch as it is: find the item it objects to, so that the others get through. */
  async #isolate(entries: readonly OutboxEntry[], error: unknown): Promise<void> {
    const { logger, outbox } = this.#options;
    if (entries.length > 1) {
      const middle = Math.ceil(entries.length / 2);
      await this.#deliver(entries.slice(0, middle));
      return this.#deliver(entries.slice(middle));
    }
    for (const entry of entries) {
      const { runId, kind } = entry.item;
      logger.error(
        { runId, kind, err: error },
        "the plane refused an item for good; it is dropped",
      );
      await outbox.acknowledge([entry]);
      this.#options.onOutcome(entry, { status: "rejected", state: null, waitSeconds: null });
    }
  }

  async #settle(
    entries: readonly OutboxEntry[],
    outcomes: readonly ReportOutcome[],
  ): Promise<void> {
    const { outbox, onOutcome } = this.#options;
    const waiting = entries.filter((_, at) => outcomes[at]?.status === "wait");
    if (waiting.length > 0) await outbox.put(waiting.map(({ item }) => item));
    void outbox.acknowledge(entries);
    this.#answeredAtMs = performance.now();
    this.#delivered += entries.length - waiting.length;
    entries.forEach((entry, at) => {
      const outcome = outcomes[at];
      if (outcome === undefined || outcome.status === "wait") return;
      this.#logUnaccepted(entry, outcome);
      onOutcome(entry, outcome);
    });
    if (waiting.length === entries.length)
      await pause(longestWaitMs(outcomes), this.#stopped.signal);
  }

  #logUnaccepted({ item }: OutboxEntry, { status, state }: ReportOutcome): void {
    if (status === "accepted") return;
    const { runId, epoch, kind } = item;
    this.#options.logger.warn(
      { runId, epoch, kind, status, stands: state?.type },
      "the plane did not accept an item",
    );
  }
}

function longestWaitMs(outcomes: readonly ReportOutcome[]): number {
  return Math.max(1, ...outcomes.map(({ waitSeconds }) => waitSeconds ?? 1)) * 1000;
}
