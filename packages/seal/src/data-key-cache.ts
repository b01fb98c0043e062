import type { WrappedDataKey } from "@downbeat/contract";
import type { KeyProvider } from "./key-provider.ts";
import { SealError } from "./seal-error.ts";
import type { OpenedDataKey } from "./unwrap.ts";

/** Fetches wrapped data keys by id, at most 100 at a time; ids it does not know are left out of the answer. */
export type FetchDataKeys = (ids: readonly string[]) => Promise<readonly WrappedDataKey[]>;

type Batch = {
  readonly ids: string[];
  readonly found: Promise<ReadonlyMap<string, WrappedDataKey>>;
};

// A key is a few hundred bytes; a caller may bring its own for every run it triggers.
const MAX_CACHED = 1_000;

/** What one GET /v1/data-keys may ask for. */
const MAX_FETCHED_AT_ONCE = 100;

/** Unwrapped data keys by id. Keys asked for in one turn of the event loop are fetched together. */
export class DataKeyCache {
  readonly #keys: KeyProvider;
  readonly #fetchDataKeys: FetchDataKeys;
  readonly #opened = new Map<string, Promise<OpenedDataKey>>();
  #batch: Batch | undefined;

  constructor(keys: KeyProvider, fetchDataKeys: FetchDataKeys) {
    this.#keys = keys;
    this.#fetchDataKeys = fetchDataKeys;
  }

  get(id: string): Promise<OpenedDataKey> {
    const cached = this.#opened.get(id);
    if (cached === undefined) return this.#remember(id, this.#fetch(id));
    this.#opened.delete(id); // set again, so that the map stays in order of last use
    this.#opened.set(id, cached);
    return cached;
  }

  add(wrapped: WrappedDataKey): void {
    if (this.#opened.has(wrapped.id)) return;
    // Whoever asks for the key gets the rejection; until then it must not count as unhandled.
    this.#remember(wrapped.id, Promise.resolve(wrapped)).catch(() => {});
  }

  #remember(id: string, wrapped: Promise<WrappedDataKey>): Promise<OpenedDataKey> {
    const opened = wrapped.then((found) => this.#keys.unwrap(found));
    this.#opened.set(id, opened);
    // A failure is not remembered: the network may be back, or the key stored, at the next attempt.
    opened.catch(() => this.#opened.get(id) === opened && this.#opened.delete(id));
    if (this.#opened.size > MAX_CACHED) {
      for (const oldest of this.#opened.keys()) {
        this.#opened.delete(oldest);
        break;
      }
    }
    return opened;
  }

  async #fetch(id: string): Promise<WrappedDataKey> {
    if (this.#batch === undefined || this.#batch.ids.length >= MAX_FETCHED_AT_ONCE) {
      this.#batch = this.#startBatch();
    }
    this.#batch.ids.push(id);
    const wrapped = (await this.#batch.found).get(id);
    if (wrapped !== undefined) return wrapped;
    throw new SealError(
      "no_data_key",
      `Data key ${id} is not known to the server, so what it sealed stays closed.`,
    );
  }

  #startBatch(): Batch {
    const ids: string[] = [];
    const found = Promise.resolve().then(async () => {
      this.#batch = undefined;
      const wraps = await this.#fetchDataKeys(ids);
      return new Map(wraps.map((wrapped) => [wrapped.id, wrapped]));
    });
    return { ids, found };
  }
}
