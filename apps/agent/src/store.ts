import { mkdir } from "node:fs/promises";
import { DownbeatError } from "@downbeat/contract";
import { pause } from "@downbeat/sdk/protocol";
import { ClassicLevel } from "classic-level";

export type StoreOperation =
  | { readonly type: "put"; readonly key: string; readonly value: string }
  | { readonly type: "del"; readonly key: string };

/** All keys from `gte` to `lte`. */
export type StoreSpan = { readonly gte: string; readonly lte: string };

export type StoreRange = {
  readonly gte: string;
  readonly lt: string;
  readonly limit?: number;
};

// Enough for a whole report batch in one read; the default of 16 KiB would hand over a few items at a time.
const READ_BYTES = 8 * 1024 * 1024;
const WRITE_RETRY_MS = 1_000;

/**
 * The agent's durable memory: an ordered key-value store on disk. Writes of one turn of the event loop, and all that
 * arrive while a write is under way, share one batch and one fsync.
 */
export class Store {
  readonly #level: ClassicLevel<string, string>;
  readonly #onError: (error: unknown) => void;
  #operations: StoreOperation[] = [];
  #spans: StoreSpan[] = [];
  #waiting: (() => void)[] = [];
  #mustSync = false;
  #flushing: Promise<void> | undefined;

  private constructor(level: ClassicLevel<string, string>, onError: (error: unknown) => void) {
    this.#level = level;
    this.#onError = onError;
  }

  /**
   * Opens the store in `directory`, which is made with mode 0700 if need be.
   *
   * @param onError is told of writes that failed; they are tried again until they succeed.
   * @throws DownbeatError `data_directory_in_use` when another process has it open.
   */
  static async open(directory: string, onError: (error: unknown) => void): Promise<Store> {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    const level = new ClassicLevel<string, string>(directory, {
      keyEncoding: "utf8",
      valueEncoding: "utf8",
    });
    try {
      await level.open();
    } catch (cause) {
      throw openError(directory, cause);
    }
    return new Store(level, onError);
  }

  /** Resolves once the operations are on disk (fsync), together with everything written before them. */
  write(operations: readonly StoreOperation[]): Promise<void> {
    this.#mustSync = true;
    return this.#enqueue(operations);
  }

  /** Resolves once the operations survive the death of this process, though not that of the machine. */
  writeLoosely(operations: readonly StoreOperation[]): Promise<void> {
    return this.#enqueue(operations);
  }

  /**
   * Deletes a span of keys, after what was written before. A deletion that fails is left undone and told to `onError`.
   * Thousands of keys cost this thread as much as one.
   */
  clear(span: StoreSpan): Promise<void> {
    this.#spans.push(span);
    return this.#flushed();
  }

  async get(key: string): Promise<string | undefined> {
    return (await this.#level.get(key)) as string | undefined;
  }

  async entries(range: StoreRange): Promise<[key: string, value: string][]> {
    return await this.#level.iterator({ ...range, highWaterMarkBytes: READ_BYTES }).all();
  }

  async close(): Promise<void> {
    while (this.#flushing !== undefined) await this.#flushing;
    await this.#level.close();
  }

  #enqueue(operations: readonly StoreOperation[]): Promise<void> {
    if (operations.length === 0) return Promise.resolve();
    for (const operation of operations) this.#operations.push(operation);
    return this.#flushed();
  }

  #flushed(): Promise<void> {
    const written = new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#flushing ??= this.#flush();
    return written;
  }

  async #flush(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) {
      const [operations, spans, waiting] = [this.#operations, this.#spans, this.#waiting];
      const sync = this.#mustSync;
      this.#operations = [];
      this.#spans = [];
      this.#waiting = [];
      this.#mustSync = false;
      if (operations.length > 0) await this.#persist(operations, sync);
      for (const span of spans) await this.#level.clear(span).catch(this.#onError);
      for (const resolve of waiting) resolve();
    }
    this.#flushing = undefined;
  }

  /** A full disk must not lose what was observed: tries until it works. Whoever waits holds its slot meanwhile. */
  async #persist(operations: readonly StoreOperation[], sync: boolean): Promise<void> {
    for (;;) {
      try {
        return await this.#writeBatch(operations, sync);
      } catch (error) {
        if (this.#level.status === "closed" || this.#level.status === "closing") throw error;
        this.#onError(error);
        await pause(WRITE_RETRY_MS);
        await this.#reopen().catch(this.#onError);
      }
    }
  }

  // A chained batch: an array of operations would be copied one by one first, which takes eight times as long.
  #writeBatch(operations: readonly StoreOperation[], sync: boolean): Promise<void> {
    const batch = this.#level.batch();
    for (const operation of operations) {
      if (operation.type === "put") batch.put(operation.key, operation.value);
      else batch.del(operation.key);
    }
    return batch.write({ sync });
  }

  // LevelDB refuses everything after a failed write until it is opened anew.
  async #reopen(): Promise<void> {
    await this.#level.close();
    await this.#level.open();
  }
}

function openError(directory: string, cause: unknown): DownbeatError {
  const inner = cause instanceof Error ? cause.cause : undefined;
  const locked = inner instanceof Error && "code" in inner && inner.code === "LEVEL_LOCKED";
  return new DownbeatError(locked ? "data_directory_in_use" : "configuration_invalid", {
    message: locked
      ? `Another agent process uses ${directory}; stop it, or give this agent another --name.`
      : `The agent's store in ${directory} cannot be opened.`,
    cause,
  });
}
