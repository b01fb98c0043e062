import { BATCH_LIMIT, type Backoff, type ReportOutcome } from "@downbeat/contract";
import type { Caller } from "@downbeat/client";
import { pause } from "@downbeat/sdk/protocol";
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
// While the plane writes one batch it can read the next, and check the one after.
const MOST_UNDER_WAY = 3;

/**
 * Carries the outbox to the plane: oldest first, forever. An item leaves the outbox only when the plane has answered it.
 * One batch is under way at a time; up to three only if all are full and of items that may overtake each other.
 */
export class Shipper {
  readonly #options: ShipperOptions;
  readonly #stopped = new AbortController();
  #wake: () => void = () => {};
  #running: Promise<void> | undefined;
  #delivered = 0;
  #answeredAtMs = Number.NEGATIVE_INFINITY;
  readonly #underWay = new Set<Promise<void>>();
  /** Everything before this place has been sent. */
  #from = 0;

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

  /** Ends after what is under way is answered or has failed. What is left stays in the outbox. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#wake();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      const entries = await this.#nextBatch();
      if (entries.length > 0) await this.#send(entries);
      else await this.#untilWoken();
    }
    await Promise.all(this.#underWay);
  }

  async #nextBatch(): Promise<OutboxEntry[]> {
    const { outbox } = this.#options;
    const asked = { limit: BATCH_LIMIT, maxBytes: BATCH_BYTES, from: this.#from };
    const entries = await outbox.read(asked);
    if (entries.length === BATCH_LIMIT) return entries;
    if (this.#underWay.size === 0 && this.#lingerMs() === 0) return entries;
    await Promise.all(this.#underWay);
    await pause(this.#lingerMs(), this.#stopped.signal);
    return outbox.read(asked);
  }

  /** How long to wait for more: not at all after a silence. */
  #lingerMs(): number {
    const lingerMs = Math.max(LINGER_MS, this.#options.pace?.gatheringMs() ?? 0);
    return performance.now() - this.#answeredAtMs < lingerMs ? lingerMs : 0;
  }

  /** Resolves when it is time for the next batch. */
  async #send(entries: readonly OutboxEntry[]): Promise<void> {
    this.#from = (entries.at(-1)?.sequence ?? this.#from) + 1;
    const isInOrder = !entries.every(mayOvertake);
    if (isInOrder) await Promise.all(this.#underWay);
    const delivery = this.#deliver(entries).finally(() => this.#underWay.delete(delivery));
    this.#underWay.add(delivery);
    if (isInOrder || this.#underWay.size >= MOST_UNDER_WAY) await Promise.race(this.#underWay);
  }

  #untilWoken(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      // Something may have become ready between the read and this line.
      if (this.#options.outbox.hasReady(this.#from) || this.#stopped.signal.aborted)
        setImmediate(resolve);
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
      if (this.#stopped.signal.aborted) return;
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

// Of task runs the newest state stands, whatever came first. What ends a run, and its log, must arrive in order.
function mayOvertake({ item }: OutboxEntry): boolean {
  return item.kind === "task_run";
}

function longestWaitMs(outcomes: readonly ReportOutcome[]): number {
  return Math.max(1, ...outcomes.map(({ waitSeconds }) => waitSeconds ?? 1)) * 1000;
}
