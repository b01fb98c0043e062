import { BATCH_LIMIT } from "@downbeat/contract";
import { pause } from "@downbeat/sdk/protocol";
import type { Outbox } from "./outbox.ts";
import type { Pace } from "./pace.ts";
import type { RunTable } from "./run-table.ts";

export type ClaimRoomOptions = {
  readonly runs: RunTable;
  readonly outbox: Outbox;
  readonly pace: Pace;
  /** Most runs that execute at once. */
  readonly concurrency: number;
  /** Most leases held beyond that; only as many are as end within a second. */
  readonly prefetch: number;
};

const FULL_CHECK_MS = 1_000;

/** How much work this agent should ask for. */
export class ClaimRoom {
  readonly #options: ClaimRoomOptions;

  constructor(options: ClaimRoomOptions) {
    this.#options = options;
  }

  /** How many leases to ask for now, at most a batch; 0: none. */
  now(): number {
    const { outbox, runs } = this.#options;
    if (outbox.isFull) return 0;
    const room = Math.min(BATCH_LIMIT, this.#limit() - runs.size);
    return room < this.#worthAsking() ? 0 : room;
  }

  /** Resolves when it is worth asking for room again, or the signal aborts. */
  change(signal: AbortSignal): Promise<void> {
    const { outbox, runs } = this.#options;
    return outbox.isFull ? pause(FULL_CHECK_MS, signal) : runs.changed(signal);
  }

  #limit(): number {
    const { concurrency, prefetch, pace } = this.#options;
    return concurrency + Math.min(prefetch, pace.perSecond());
  }

  /** While runs wait here already there is no hurry: a few larger claims instead of many small ones. */
  #worthAsking(): number {
    const { concurrency, runs } = this.#options;
    return runs.size > concurrency ? Math.max(1, Math.min(BATCH_LIMIT, this.#limit() / 4)) : 1;
  }
}
