import type { AgentChannel } from "./flow-worker.ts";

/**
 * Keeps the process while something of a run waits for the agent: it has nothing else to wait for then, and must not be
 * taken for one that can never finish.
 */
export class KeepAlive {
  readonly #channel: Pick<AgentChannel, "keepAlive">;
  #holders = 0;
  #isClosed = false;

  constructor(channel: Pick<AgentChannel, "keepAlive">) {
    this.#channel = channel;
  }

  /** Holds the process until the returned function is called. */
  hold(): () => void {
    this.#holders += 1;
    if (!this.#isClosed) this.#channel.keepAlive(true);
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#holders -= 1;
      if (this.#holders === 0 && !this.#isClosed) this.#channel.keepAlive(false);
    };
  }

  /** The run is over: what it still waits for is no matter of this process any more. */
  close(): void {
    this.#isClosed = true;
  }
}
