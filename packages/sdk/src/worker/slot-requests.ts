import { uuidv7 } from "uuidv7";
import type { SlotRequest } from "../run-host.ts";
import type { AgentChannel } from "./flow-worker.ts";
import type { KeepAlive } from "./keep-alive.ts";

type Waiting = { readonly granted: () => void };

/** What tasks of the active run have asked the agent for and not got yet. */
export class SlotRequests {
  readonly #channel: AgentChannel;
  readonly #runId: string;
  readonly #keepAlive: KeepAlive;
  readonly #waiting = new Map<string, Waiting>();

  constructor(channel: AgentChannel, runId: string, keepAlive: KeepAlive) {
    this.#channel = channel;
    this.#runId = runId;
    this.#keepAlive = keepAlive;
  }

  /**
   * Resolves with what gives the slots back, once the agent has them.
   *
   * @throws the signal's reason when it aborts first
   */
  async acquire(request: SlotRequest, signal: AbortSignal | undefined): Promise<() => void> {
    signal?.throwIfAborted();
    const requestId = uuidv7();
    const runId = this.#runId;
    const release = (): void => this.#channel.send({ type: "release_slots", runId, requestId });
    this.#channel.send({ type: "acquire_slots", runId, requestId, ...request });
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

  async #granted(requestId: string, signal: AbortSignal | undefined): Promise<void> {
    const letGo = this.#keepAlive.hold();
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
      letGo();
    }
  }
}
