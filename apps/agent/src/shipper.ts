import { BATCH_LIMIT } from "@downbeat/contract";
import { pause } from "@downbeat/sdk/protocol";
import { Delivery, type DeliveryOptions } from "./delivery.ts";
import type { OutboxEntry } from "./outbox.ts";
import type { Pace } from "./pace.ts";

export type ShipperOptions = DeliveryOptions & {
  /** Says when reports gather for longer than usual. */
  readonly pace?: Pick<Pace, "gatheringMs">;
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
  readonly #delivery: Delivery;
  readonly #underWay = new Set<Promise<void>>();
  /** Everything before this place has been sent. */
  #from = 0;

  constructor(options: ShipperOptions) {
    this.#options = options;
    this.#delivery = new Delivery(options, this.#stopped.signal);
    options.outbox.onReady(() => this.#wake());
  }

  /** Items answered so far; rises as long as deliveries succeed. */
  get delivered(): number {
    return this.#delivery.delivered;
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
    await this.#delivery.stopped();
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
    return performance.now() - this.#delivery.answeredAtMs < lingerMs ? lingerMs : 0;
  }

  /** Resolves when it is time for the next batch. */
  async #send(entries: readonly OutboxEntry[]): Promise<void> {
    this.#from = (entries.at(-1)?.sequence ?? this.#from) + 1;
    const isInOrder = !entries.every(mayOvertake);
    if (isInOrder) await Promise.all(this.#underWay);
    const delivery = this.#delivery.deliver(entries).finally(() => this.#underWay.delete(delivery));
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
}

// Of task runs the newest state stands, whatever came first. What ends a run, and its log, must arrive in order.
function mayOvertake({ item }: OutboxEntry): boolean {
  return item.kind === "task_run";
}
