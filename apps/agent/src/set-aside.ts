import { pause } from "@downbeat/sdk/protocol";
import type { OutboxEntry } from "./outbox.ts";

const EVERY_MS = 60_000;

export type SetAsideOptions = {
  /** Sends one item once; resolves with whether the plane has answered it. Never rejects. */
  readonly send: (entry: OutboxEntry) => Promise<boolean>;
  readonly signal: AbortSignal;
  readonly everyMs?: number | undefined;
};

/**
 * Items that the plane has failed on while it took others. They are tried again now and then, in their order and one at a
 * time, until it has answered them; the others no longer wait for them.
 */
export class SetAside {
  readonly #options: SetAsideOptions;
  #entries: OutboxEntry[] = [];
  #trying: Promise<void> | undefined;

  constructor(options: SetAsideOptions) {
    this.#options = options;
  }

  add(entries: readonly OutboxEntry[]): void {
    this.#entries.push(...entries);
    if (this.#entries.length === 0) return;
    this.#trying ??= this.#tryAll().finally(() => (this.#trying = undefined));
  }

  /** Resolves when what is under way has ended, after the signal has aborted. */
  async stopped(): Promise<void> {
    await this.#trying;
  }

  async #tryAll(): Promise<void> {
    const { send, signal, everyMs = EVERY_MS } = this.#options;
    while (this.#entries.length > 0) {
      await pause(everyMs, signal);
      for (const entry of this.#entries) {
        if (signal.aborted) return;
        if (await send(entry)) this.#entries = this.#entries.filter((other) => other !== entry);
      }
    }
  }
}
