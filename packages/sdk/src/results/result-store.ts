import { ResultError } from "../errors.ts";
import { log } from "../log.ts";
import type { ResultPointer } from "../run-host.ts";
import { directoryStorage } from "../storage/directory-storage.ts";
import type { ResultStorage } from "../storage/result-storage.ts";
import { UnencodableValue, ValueTooLarge } from "./encode-value.ts";
import { packEntry, unpackEntry } from "./entry.ts";
import { jsonSerializer } from "./serializer.ts";
import type { ResultSerializer } from "./serializer.ts";

/** Where and how results are kept; shared by `persist` and `cache`. */
export type StoreOptions = {
  /** Default: `directoryStorage(".downbeat/results")`, in the working directory. */
  readonly storage?: ResultStorage;
  /** Default: {@link jsonSerializer}. */
  readonly serializer?: ResultSerializer;
  /** Most bytes that a result may take when serialised. Default 67,108,864 (64 MiB). */
  readonly maxBytes?: number;
};

/** A kept value as it was found. */
export type Kept = {
  readonly value: unknown;
  readonly keptAtMs: number;
  readonly pointer: ResultPointer;
};

const MOST_BYTES = 64 * 1024 * 1024;
const DEFAULT_DIRECTORY = ".downbeat/results";

let defaultStorage: ResultStorage | undefined;

/** Values in a storage. Trouble with the storage is logged and costs a repetition, never the task. */
export class ResultStore {
  readonly storage: ResultStorage;
  readonly #serializer: ResultSerializer;
  readonly #maxBytes: number;

  constructor({ storage, serializer, maxBytes }: StoreOptions) {
    this.storage = storage ?? (defaultStorage ??= directoryStorage(DEFAULT_DIRECTORY));
    this.#serializer = serializer ?? jsonSerializer;
    this.#maxBytes = maxBytes ?? MOST_BYTES;
  }

  /** Undefined when there is none, or none that can be read. */
  async read(key: string): Promise<Kept | undefined> {
    try {
      const bytes = await this.storage.get(key);
      return bytes === undefined ? undefined : this.#open(key, bytes);
    } catch (error) {
      log.warn("a kept result could not be read; it is made again", { error, ...this.#place(key) });
      return undefined;
    }
  }

  /**
   * Keeps a value; undefined when the storage did not take it.
   *
   * @throws ResultError `result_unserialisable`, naming the path, or `result_too_large`, naming the size
   */
  async write(
    key: string,
    value: unknown,
    { owner, nowMs }: { readonly owner: string; readonly nowMs: number },
  ): Promise<ResultPointer | undefined> {
    const body = await this.#serialise(owner, value);
    const { name: serializer } = this.#serializer;
    try {
      await this.storage.put(key, packEntry({ serializer, keptAtMs: nowMs, body }));
      return this.#pointer(key, body);
    } catch (error) {
      log.warn("a result was not kept", { error, ...this.#place(key) });
      return undefined;
    }
  }

  #open(key: string, bytes: Uint8Array): Kept {
    const { serializer, keptAtMs, body } = unpackEntry(bytes);
    if (serializer !== this.#serializer.name) {
      throw new Error(
        `it was written by serializer "${serializer}", not "${this.#serializer.name}"`,
      );
    }
    const value = this.#serializer.deserialize(body);
    return { value, keptAtMs, pointer: this.#pointer(key, body) };
  }

  async #serialise(owner: string, value: unknown): Promise<Uint8Array> {
    const maxBytes = this.#maxBytes;
    let bytes: Uint8Array;
    try {
      bytes = await this.#serializer.serialize(value, { maxBytes });
    } catch (cause) {
      throw refusal(owner, cause, maxBytes);
    }
    if (bytes.byteLength > maxBytes) throw tooLarge(owner, `${bytes.byteLength} bytes`, maxBytes);
    return bytes;
  }

  #pointer(key: string, body: Uint8Array): ResultPointer {
    const location = this.storage.locationOf(key);
    return { location, serializer: this.#serializer.name, bytes: body.byteLength };
  }

  #place(key: string): { location: string } {
    return { location: this.storage.locationOf(key) };
  }
}

function refusal(owner: string, cause: unknown, maxBytes: number): ResultError {
  if (cause instanceof ValueTooLarge) return tooLarge(owner, cause.message, maxBytes);
  const message = cause instanceof Error ? cause.message : String(cause);
  const issues =
    cause instanceof UnencodableValue ? [{ path: cause.path, message: `is ${cause.what}` }] : [];
  return new ResultError("result_unserialisable", {
    message: `the result of ${owner} cannot be kept: ${message}`,
    issues,
    cause,
  });
}

function tooLarge(owner: string, size: string, maxBytes: number): ResultError {
  return new ResultError("result_too_large", {
    message: `the result of ${owner} takes ${size}; its maxBytes is ${maxBytes}`,
  });
}
