import { setImmediate as nextTurn, setTimeout as pause } from "node:timers/promises";
import { DownbeatError } from "@downbeat/contract";

/** Writes a batch; the results stand in the order of the items. */
export type CommitBatch<Item, Result> = (
  key: string,
  items: readonly Item[],
) => Promise<readonly Result[]>;

export type GroupCommitOptions<Item, Result> = {
  readonly commit: CommitBatch<Item, Result>;
  /** Most weight in one batch; a single heavier item still goes, alone. Default 500. */
  readonly maxWeight?: number | undefined;
  /** Most weight that waits under one key; what comes beyond it is refused. Default 50,000. */
  readonly maxWaiting?: number | undefined;
  /** How much an item counts; default 1. */
  readonly weigh?: ((item: Item) => number) | undefined;
  /** How long a batch waits for more items, unless {@link GroupCommit.hurry} is called. Default 0: a turn of the event loop. */
  readonly lingerMs?: number | undefined;
  /** How long a key rests after a batch, unless {@link GroupCommit.hurry} is called: the first item is written at once, those behind it together. Default 0. */
  readonly restMs?: number | undefined;
  /** Whether a failure concerns the batch as a whole (say, no connection), so that parts need not be tried. */
  readonly isFatal?: ((error: unknown) => boolean) | undefined;
};

type Entry<Item, Result> = {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
};

type Lane<Item, Result> = {
  waiting: Entry<Item, Result>[];
  waitingWeight: number;
  busy: boolean;
  isHurried: boolean;
  /** Ends the pause. */
  wake: () => void;
};

/**
 * Turns many small writes into few transactions. Per key (a workspace): with nothing in flight an item is written in the
 * next turn of the event loop; what arrives meanwhile is collected and written together afterwards. A caller is answered only after its own
 * item is committed. When a batch fails it is halved until the culprit fails alone.
 */
export class GroupCommit<Item, Result> {
  readonly #options: GroupCommitOptions<Item, Result>;
  readonly #lanes = new Map<string, Lane<Item, Result>>();

  constructor(options: GroupCommitOptions<Item, Result>) {
    this.#options = options;
  }

  /** @throws {DownbeatError} unavailable, when so much waits already that memory must not hold more. */
  submit(key: string, item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      const lane = this.#laneOf(key);
      const { maxWaiting = 50_000 } = this.#options;
      const waitingWeight = lane.waitingWeight + this.#weightOf(item);
      if (lane.waiting.length > 0 && waitingWeight > maxWaiting) {
        const message = `${lane.waitingWeight} items wait to be written already.`;
        reject(new DownbeatError("unavailable", { message }));
        return;
      }
      lane.waitingWeight = waitingWeight;
      lane.waiting.push({ item, resolve, reject });
      if (!lane.busy) void this.#drain(key, lane);
    });
  }

  /** Writes what waits under the key without waiting for more. */
  hurry(key: string): void {
    const lane = this.#lanes.get(key);
    if (lane === undefined) return;
    lane.isHurried = true;
    lane.wake();
  }

  #laneOf(key: string): Lane<Item, Result> {
    const lane = this.#lanes.get(key) ?? {
      waiting: [],
      waitingWeight: 0,
      busy: false,
      isHurried: false,
      wake: () => {},
    };
    this.#lanes.set(key, lane);
    return lane;
  }

  async #drain(key: string, lane: Lane<Item, Result>): Promise<void> {
    lane.busy = true;
    while (lane.waiting.length > 0) {
      await this.#others(lane);
      await this.#flush(key, this.#takeBatch(lane));
      await this.#pause(lane, this.#options.restMs);
    }
    lane.busy = false;
    this.#lanes.delete(key);
  }

  // One turn of the event loop lets requests in that have arrived already. Without it the embedded database, which
  // works on this very thread, would get every one of them in a transaction of its own.
  async #others(lane: Lane<Item, Result>): Promise<void> {
    await this.#pause(lane, this.#options.lingerMs);
    lane.isHurried = false;
    await nextTurn();
  }

  async #pause(lane: Lane<Item, Result>, pauseMs = 0): Promise<void> {
    if (pauseMs === 0 || lane.isHurried) return;
    const ending = new AbortController();
    lane.wake = () => ending.abort();
    await pause(pauseMs, undefined, { signal: ending.signal }).catch(() => {}); // woken
  }

  #takeBatch(lane: Lane<Item, Result>): Entry<Item, Result>[] {
    const { maxWeight = 500 } = this.#options;
    let taken = 0;
    let count = 0;
    for (const { item } of lane.waiting) {
      const weight = this.#weightOf(item);
      if (count > 0 && taken + weight > maxWeight) break;
      taken += weight;
      count += 1;
    }
    lane.waitingWeight -= taken;
    return lane.waiting.splice(0, count);
  }

  #weightOf(item: Item): number {
    return this.#options.weigh?.(item) ?? 1;
  }

  async #flush(key: string, batch: readonly Entry<Item, Result>[]): Promise<void> {
    try {
      const results = await this.#options.commit(
        key,
        batch.map(({ item }) => item),
      );
      if (results.length !== batch.length) throw new MissingResults(results.length, batch.length);
      batch.forEach(({ resolve }, index) => resolve(results[index] as Result));
    } catch (error) {
      await this.#isolate(key, batch, error);
    }
  }

  async #isolate(
    key: string,
    batch: readonly Entry<Item, Result>[],
    error: unknown,
  ): Promise<void> {
    const isHopeless = error instanceof MissingResults || this.#options.isFatal?.(error) === true;
    if (batch.length === 1 || isHopeless) {
      for (const { reject } of batch) reject(error);
      return;
    }
    const middle = Math.ceil(batch.length / 2);
    await this.#flush(key, batch.slice(0, middle));
    await this.#flush(key, batch.slice(middle));
  }
}

// The batch was committed; trying parts of it again would write twice.
class MissingResults extends Error {
  constructor(got: number, expected: number) {
    super(`A batch of ${expected} items was answered with ${got} results.`);
    this.name = "MissingResults";
  }
}
