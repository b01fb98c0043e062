import {
  fullJitterMs,
  isDownbeatError,
  mayPass,
  type Backoff,
  type ReportOutcome,
} from "@downbeat/contract";
import type { Caller } from "@downbeat/client";
import { pause } from "@downbeat/sdk/protocol";
import type { Logger } from "pino";
import { deliverApart } from "./deliver-apart.ts";
import type { Outbox, OutboxEntry } from "./outbox.ts";
import type { PlaneWatch } from "./plane-watch.ts";
import { NETWORK_BACKOFF, retrying } from "./retrying.ts";
import { SetAside } from "./set-aside.ts";

export type DeliveryOptions = {
  readonly client: Pick<Caller, "call">;
  readonly outbox: Outbox;
  readonly logger: Logger;
  readonly watch: PlaneWatch;
  /** Is told the answer to each item, once. Fenced and rejected are final too. */
  readonly onOutcome: (entry: OutboxEntry, outcome: ReportOutcome) => void;
  readonly backoff?: Backoff;
  readonly random?: () => number;
  /** How often the plane is asked again to take what it failed on. Default: every minute. */
  readonly setAsideMs?: number;
};

// After so many failures of the plane itself the batch may be why.
const SUSPECT_AFTER = 5;

/**
 * Carries batches to the plane until it has answered them, forever. What the plane refuses for good is dropped, and told. What it fails
 * on while it takes the rest is {@link SetAside}: it stays in the outbox, and nothing waits for it.
 */
export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #signal: AbortSignal;
  readonly #setAside: SetAside;
  #delivered = 0;
  #answeredAtMs = Number.NEGATIVE_INFINITY;

  /** @param signal ends it: what is under way is answered or fails, what is left stays in the outbox. */
  constructor(options: DeliveryOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
    this.#setAside = new SetAside({
      send: (entry) => this.#once([entry]).catch(() => false),
      signal,
      everyMs: options.setAsideMs,
    });
  }

  /** Items answered so far. */
  get delivered(): number {
    return this.#delivered;
  }

  /** When the plane last answered, by `performance.now()`. */
  get answeredAtMs(): number {
    return this.#answeredAtMs;
  }

  /** Resolves when what is tried now and then has ended, after the signal has aborted. */
  stopped(): Promise<void> {
    return this.#setAside.stopped();
  }

  /** Resolves when each item is answered, set aside or dropped, or the signal has aborted. */
  async deliver(entries: readonly OutboxEntry[]): Promise<void> {
    const { watch, backoff = NETWORK_BACKOFF, random = Math.random } = this.#options;
    const signal = this.#signal;
    for (let rounds = 0; ; rounds += 1) {
      try {
        return await this.#settle(entries, await this.#insist(entries, rounds));
      } catch (error) {
        if (signal.aborted) return;
        if (!mayPass(error)) return this.#isolate(entries, error);
      }
      if (await this.#isTakenApart(entries)) return;
      await watch.pause(fullJitterMs(backoff, SUSPECT_AFTER + rounds, random), signal);
    }
  }

  /** Until it is answered, will never be, or the plane itself has failed on it again and again. */
  async #insist(entries: readonly OutboxEntry[], rounds: number): Promise<ReportOutcome[]> {
    const mostFailures = rounds === 0 ? SUSPECT_AFTER : 1;
    let failures = 0;
    return retrying(() => this.#report(entries), {
      ...this.#options,
      signal: this.#signal,
      failure: "reports cannot be delivered; they are kept and retried",
      isWorthRetrying: (error) =>
        mayPass(error) && !(isFailureOfPlane(error) && (failures += 1) >= mostFailures),
    });
  }

  async #report(entries: readonly OutboxEntry[]): Promise<ReportOutcome[]> {
    const body = { items: entries.map(({ item }) => item) };
    const signal = this.#signal;
    return (await this.#options.client.call("report", { body }, { signal })).outcomes;
  }

  /** Whether the plane has answered these. @throws what is not a failure of the plane, nor a refusal for good */
  async #once(entries: readonly OutboxEntry[]): Promise<boolean> {
    try {
      await this.#settle(entries, await this.#report(entries));
      return true;
    } catch (error) {
      if (isFailureOfPlane(error)) return false;
      if (this.#signal.aborted || mayPass(error)) throw error;
      await this.#isolate(entries, error);
      return true;
    }
  }

  /** Whether all but what the plane fails on has been answered, so that the next batch may go. */
  async #isTakenApart(entries: readonly OutboxEntry[]): Promise<boolean> {
    const { outbox, logger } = this.#options;
    const isThere = (entry: OutboxEntry) => outbox.holds(entry);
    // When the plane goes away meanwhile, what is left is delivered as ever.
    const failed = await deliverApart(entries, (part) => this.#once(part)).catch(() => undefined);
    if (failed === undefined) {
      const left = entries.filter(isThere);
      if (left.length === 0 || left.length === entries.length) return left.length === 0;
      await this.deliver(left);
      return true;
    }
    for (const { item } of failed) {
      const { runId, kind } = item;
      const text = "the plane fails on an item but takes others; it is kept and tried now and then";
      logger.error({ runId, kind }, text);
    }
    outbox.setAside(failed);
    this.#setAside.add(failed);
    return true;
  }

  /** The plane will never take this batch as it is: find the item it objects to, so that the others get through. */
  async #isolate(entries: readonly OutboxEntry[], error: unknown): Promise<void> {
    const { logger, outbox } = this.#options;
    if (entries.length > 1) {
      const middle = Math.ceil(entries.length / 2);
      await this.deliver(entries.slice(0, middle));
      return this.deliver(entries.slice(middle));
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
    if (waiting.length === entries.length) await pause(longestWaitMs(outcomes), this.#signal);
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

/** It, or something before it, answers, though not with anything about these items. */
function isFailureOfPlane(error: unknown): boolean {
  return isDownbeatError(error) && (error.code === "internal" || error.code === "response_invalid");
}

function longestWaitMs(outcomes: readonly ReportOutcome[]): number {
  return Math.max(1, ...outcomes.map(({ waitSeconds }) => waitSeconds ?? 1)) * 1000;
}
