import { uuidv7 } from "uuidv7";
import type { AgentChannel } from "./flow-worker.ts";

type Waiting = { readonly granted: () => void };

/** What tasks of the active run have asked the agent for and not got yet. */
export class SlotRequests {
  readonly #channel: AgentChannel;
  readonly #runId: string;
  readonly #waiting = new Map<string, Waiting>();
  #isClosed = false;

  constructor(channel: AgentChannel, runId: string) {
    this.#channel = channel;
    this.#runId = runId;
  }

  /**
   * Resolves with what gives the slots back, once the agent has them.
   *
   * @throws the signal's reason when it aborts first
   */
  async acquire(
    { taskRunId, limitNames }: { taskRunId: string; limitNames: readonly string[] },
    signal: AbortSignal | undefined,
  ): Promise<() => void> {
    signal?.throwIfAborted();
    const requestId = uuidv7();
    const runId = this.#runId;
    const release = (): void => this.#channel.send({ type: "release_slots", runId, requestId });
    this.#channel.send({ type: "acquire_slots", runId, requestId, taskRunId, limitNames });
    try {
      await this.#granted(requestId, signal);
    } catch (error) {
      release();
      throw error;
    }
    return release;
  }

  grant(requestId: string): void {
    this.#waiting.get(requestId)?.granted();
  }

  /** The run is over: what it still waits for is no matter of this process any more. */
  close(): void {
    this.#isClosed = true;
  }

  // Meanwhile the process has nothing else to wait for, and must not be taken for one that can never finish.
  async #granted(requestId: string, signal: AbortSignal | undefined): Promise<void> {
    this.#channel.keepAlive(true);
    let onAbort = (): void => {};
    try {
      await new Promise<void>((resolve, reject) => {
        this.#waiting.set(requestId, { granted: resolve });
        onAbort = () => reject(signal?.reason as Error);
        signal?.addEventListener("abort", onAbort, { once: true });
      });
    } finally {
      signal?.removeEventListener("abort", onAbort);
      this.#waiting.delete(requestId);
      if (this.#waiting.size === 0 && !this.#isClosed) this.#channel.keepAlive(false);
    }
  }
}
