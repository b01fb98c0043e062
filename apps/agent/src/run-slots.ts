import type { Caller } from "@downbeat/client";
import type { AcquireAnswer } from "@downbeat/contract";
import { pause, type Fence } from "@downbeat/sdk/protocol";
import type { Logger } from "pino";
import type { SlotRequest } from "./launchers/worker-process.ts";
import type { PlaneWatch } from "./plane-watch.ts";
import { retrying } from "./retrying.ts";
import { RunOver } from "./run-over.ts";

export type SlotParts = {
  readonly client: Pick<Caller, "call">;
  readonly watch: PlaneWatch;
  readonly logger: Logger;
  /** Returns a number in [0, 1). */
  readonly random: () => number;
};

type RunSide = {
  readonly lease: Fence;
  readonly grant: (requestId: string) => void;
  /** Writes a line into the run's log. */
  readonly tell: (text: string) => void;
};

/**
 * Gets slots of limits for the tasks of one run. The plane counts, so while it is away a limited task waits. When the
 * run ends nothing need be given back: the plane frees its slots with it.
 */
export class RunSlots {
  readonly #parts: SlotParts;
  readonly #run: RunSide;
  readonly #over = new RunOver();
  /** Requests under way: what ends each early, and when it has ended. */
  readonly #asking = new Map<
    string,
    { readonly ends: AbortController; readonly done: Promise<void> }
  >();
  readonly #told = new Set<string>();

  constructor(parts: SlotParts, run: RunSide) {
    this.#parts = parts;
    this.#run = run;
  }

  /** Asks until the slots are there, the task gives up, or the run ends. Never rejects. */
  acquire(request: SlotRequest): Promise<void> {
    const ends = new AbortController();
    const done = this.#acquire(request, ends);
    this.#asking.set(request.requestId, { ends, done });
    return done;
  }

  async #acquire(request: SlotRequest, ends: AbortController): Promise<void> {
    const { requestId } = request;
    const signal = AbortSignal.any([ends.signal, this.#over.signal]);
    try {
      if (await this.#insist(request, signal)) this.#run.grant(requestId);
    } catch (error) {
      // Refused for good: the run was fenced or ended, and its process is about to be stopped.
      if (!signal.aborted) this.#log(error, "slots for a task were refused");
    } finally {
      this.#asking.delete(requestId);
    }
  }

  /** Gives slots back, or stops asking for them. Never rejects. */
  async release(requestId: string): Promise<void> {
    const asking = this.#asking.get(requestId);
    asking?.ends.abort();
    // A request that is on its way may still be granted; what is given back must come after it.
    await asking?.done;
    const { watch } = this.#parts;
    const { lease } = this.#run;
    const body = { ...fenceOf(lease), requestIds: [requestId] };
    const call = () => this.#parts.client.call("releaseSlots", { body });
    const signal = this.#over.signal;
    try {
      await retrying(call, { watch, failure: "slots of limits cannot be given back", signal });
    } catch (error) {
      if (!signal.aborted) this.#log(error, "slots of a task were not given back");
    }
  }

  /** The run is over. */
  close(): void {
    this.#over.end();
  }

  async #insist(request: SlotRequest, signal: AbortSignal): Promise<boolean> {
    const { client, watch, random } = this.#parts;
    const { requestId, taskRunId, limitNames, tags } = request;
    const body = {
      ...fenceOf(this.#run.lease),
      requestId,
      taskRunId,
      limitNames: [...limitNames],
      tags: [...tags],
    };
    const call = () => client.call("acquireSlots", { body });
    while (!signal.aborted) {
      const answer = await retrying(call, { watch, failure: "limited tasks wait", signal });
      this.#tellUnknown(answer);
      if (answer.granted) return !signal.aborted;
      // Not all at the same moment: tasks that were refused together would ask together again.
      const waitMs = (answer.waitSeconds ?? 1) * 1000;
      await pause(waitMs * (1 + random() / 4), signal);
    }
    return false;
  }

  #tellUnknown({ unknown }: AcquireAnswer): void {
    for (const name of unknown) {
      if (this.#told.has(name)) continue;
      this.#told.add(name);
      this.#run.tell(
        `No limit "${name}" exists, so it limits nothing. Make it with: downbeat limit set "${name}" --slots 1`,
      );
    }
  }

  #log(error: unknown, message: string): void {
    this.#parts.logger.warn({ runId: this.#run.lease.runId, err: error }, message);
  }
}

function fenceOf({ runId, epoch, leaseToken }: RunSide["lease"]) {
  return { runId, epoch, leaseToken };
}
