import { BATCH_LIMIT, fullJitterMs, type ReportItem, type ReportOutcome } from "@downbeat/contract";
import { mayPass } from "@downbeat/contract/errors";
import type { Client } from "@downbeat/client";
import { warnOnce } from "../standalone/warn-once.ts";
import { pause } from "../session/pause.ts";
import { SERVE_BACKOFF } from "./serve-link.ts";

// Half of what the API accepts as a body.
const BATCH_CHARACTERS = 4 * 1024 * 1024;
const MOST_CHARACTERS = 64 * 1024 * 1024;

export type ReportQueueOptions = {
  readonly client: Pick<Client, "call">;
  /** When what waits takes more, {@link ReportQueue.isFull} is true. Items are taken all the same. Default 64 Mi. */
  readonly mostCharacters?: number;
};

type Entry = {
  readonly item: ReportItem;
  readonly characters: number;
  readonly resolve: (outcome: ReportOutcome) => void;
};

const REFUSED: ReportOutcome = { status: "rejected", state: null, waitSeconds: null };
const ABANDONED: ReportOutcome = { status: "abort", state: null, waitSeconds: null };

/**
 * Reports on their way to the plane, in order, in memory: delivered again and again until they are answered. What is here
 * when the process is killed is lost; the plane then finds the run's agent dead.
 */
export class ReportQueue {
  readonly #client: Pick<Client, "call">;
  readonly #mostCharacters: number;
  readonly #waiting: Entry[] = [];
  readonly #stopped = new AbortController();
  #characters = 0;
  #isSending = false;
  #delivered = 0;
  /** Smaller while the plane refuses a batch as a whole: so the item it objects to is found. */
  #mostItems = BATCH_LIMIT;

  constructor({ client, mostCharacters = MOST_CHARACTERS }: ReportQueueOptions) {
    this.#client = client;
    this.#mostCharacters = mostCharacters;
  }

  get size(): number {
    return this.#waiting.length;
  }

  get isFull(): boolean {
    return this.#characters > this.#mostCharacters;
  }

  /** Items answered so far. */
  get delivered(): number {
    return this.#delivered;
  }

  /** Resolves with the plane's final word about each item; with `abort` for one that was given up. Never rejects. */
  put(items: readonly ReportItem[]): Promise<ReportOutcome[]> {
    const answers = items.map((item) => this.#enqueue(item));
    if (!this.#isSending) void this.#send();
    return Promise.all(answers);
  }

  /** Gives up what has not been delivered. Returns how many items that were. */
  stop(): number {
    this.#stopped.abort();
    const lost = this.#waiting.splice(0);
    for (const { resolve } of lost) resolve(ABANDONED);
    return lost.length;
  }

  #enqueue(item: ReportItem): Promise<ReportOutcome> {
    if (this.#stopped.signal.aborted) return Promise.resolve(ABANDONED);
    const characters = JSON.stringify(item).length;
    this.#characters += characters;
    return new Promise((resolve) => this.#waiting.push({ item, characters, resolve }));
  }

  async #send(): Promise<void> {
    this.#isSending = true;
    const { signal } = this.#stopped;
    for (let failures = 0; this.#waiting.length > 0;) {
      const batch = this.#nextBatch();
      try {
        const items = batch.map(({ item }) => item);
        const { outcomes } = await this.#client.call("report", { body: { items } }, { signal });
        failures = 0;
        this.#mostItems = BATCH_LIMIT;
        await pause(this.#settle(batch, outcomes), signal);
      } catch (error) {
        if (mayPass(error))
          await pause(fullJitterMs(SERVE_BACKOFF, (failures += 1), Math.random), signal);
        else if (!signal.aborted) this.#narrow(batch, error);
      }
    }
    this.#isSending = false;
  }

  #nextBatch(): Entry[] {
    let total = 0;
    const end = this.#waiting.findIndex(
      ({ characters }, at) => (total += characters) > BATCH_CHARACTERS && at > 0,
    );
    const most = end === -1 ? this.#waiting.length : end;
    return this.#waiting.slice(0, Math.min(this.#mostItems, most));
  }

  /** Settles what has its answer. Returns how long to wait, in milliseconds, before the next batch. */
  #settle(batch: readonly Entry[], outcomes: readonly ReportOutcome[]): number {
    if (this.#stopped.signal.aborted) return 0;
    this.#waiting.splice(0, batch.length);
    const waits = batch.filter((_, at) => outcomes[at]?.status === "wait");
    // Behind the others: one run that must wait holds up no other.
    this.#waiting.push(...waits);
    batch.forEach((entry, at) => {
      const outcome = outcomes[at] ?? REFUSED;
      if (outcome.status !== "wait") this.#answer(entry, outcome);
    });
    if (waits.length < this.#waiting.length || waits.length === 0) return 0;
    return Math.max(1, ...outcomes.map(({ waitSeconds }) => waitSeconds ?? 1)) * 1_000;
  }

  /** Never to be taken as it is. */
  #narrow(batch: readonly Entry[], error: unknown): void {
    if (batch.length > 1) {
      this.#mostItems = Math.ceil(batch.length / 2);
      return;
    }
    warnOnce("the plane refused a report for good", error);
    this.#waiting.splice(0, batch.length);
    for (const entry of batch) this.#answer(entry, REFUSED);
  }

  #answer({ characters, resolve }: Entry, outcome: ReportOutcome): void {
    this.#characters -= characters;
    this.#delivered += 1;
    resolve(outcome);
  }
}
