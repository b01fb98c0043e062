import type { RunMessage, RunsMessage } from "@downbeat/sdk/protocol";

/** Gathers runs that are given to a process ahead within one turn of the event loop: each message wakes the process. */
export class GatheredRuns {
  readonly #send: (message: RunsMessage) => void;
  #runs: RunMessage[] = [];

  constructor(send: (message: RunsMessage) => void) {
    this.#send = send;
  }

  add(run: RunMessage): void {
    if (this.#runs.push(run) === 1) setImmediate(() => this.flush());
  }

  /** Sends what there is, so that what is sent next comes after it. */
  flush(): void {
    const runs = this.#runs;
    this.#runs = [];
    if (runs.length > 0) this.#send({ type: "runs", runs });
  }
}
