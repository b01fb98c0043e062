import { MOST_AT_ONCE, type RemotePlane, type RunStatus } from "./remote-plane.ts";

type Batch = {
  readonly runIds: Set<string>;
  readonly found: Promise<ReadonlyMap<string, RunStatus>>;
};

const readers = new WeakMap<RemotePlane, StatusReader>();

/** Reads the states of runs; those asked for in one turn of the event loop are read together. */
export class StatusReader {
  readonly #plane: RemotePlane;
  #batch: Batch | undefined;

  private constructor(plane: RemotePlane) {
    this.#plane = plane;
  }

  /** The one reader of a plane, so that many who wait ask together. */
  static of(plane: RemotePlane): StatusReader {
    const reader = readers.get(plane) ?? new StatusReader(plane);
    readers.set(plane, reader);
    return reader;
  }

  /** Undefined when the plane knows no such run. */
  async read(runId: string, signal: AbortSignal | undefined): Promise<RunStatus | undefined> {
    signal?.throwIfAborted();
    if (this.#batch === undefined || this.#batch.runIds.size >= MOST_AT_ONCE) {
      this.#batch = this.#begin();
    }
    this.#batch.runIds.add(runId);
    return (await this.#batch.found).get(runId);
  }

  #begin(): Batch {
    const runIds = new Set<string>();
    const found = new Promise((resolve) => setImmediate(resolve)).then(async () => {
      if (this.#batch?.runIds === runIds) this.#batch = undefined;
      const statuses = await this.#plane.read([...runIds]);
      return new Map(statuses.map((status) => [status.runId, status]));
    });
    return { runIds, found };
  }
}
