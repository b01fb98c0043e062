import { DownbeatError, isDownbeatError } from "@downbeat/contract/errors";
import type { ReachPlane } from "./plane-in-reach.ts";
import { refused } from "./refused.ts";
import { MOST_AT_ONCE, type TriggerRequest } from "./remote-plane.ts";

/** What may wait unsent; beyond that {@link SendQueue.add} refuses, and whoever asks must wait. */
export const MOST_WAITING = 50_000;
const MOST_WAITING_CHARACTERS = 128 * 1024 * 1024;
const FIRST_DELAY_MS = 100;
const LONGEST_DELAY_MS = 5_000;

export type QueuedTrigger = {
  readonly request: TriggerRequest;
  /** The run around the call, where it is known only later. */
  readonly parent?: Promise<string | undefined> | undefined;
  /** Length of the parameters as JSON. */
  readonly characters: number;
};

type Entry = QueuedTrigger & {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
};

/**
 * Runs that were asked for and not yet taken by the plane, in order. What is asked for in one turn of the event loop goes
 * in as few calls as possible; while the plane is away it waits here. Each carries an id, so that sending it twice makes
 * one run.
 */
export class SendQueue {
  readonly #plane: ReachPlane;
  readonly #waiting: Entry[] = [];
  #characters = 0;
  #isSending = false;
  #hurries = false;
  #wake: () => void = () => {};

  /** @param plane asked for each call, so that a connection which failed is made anew */
  constructor(plane: ReachPlane) {
    this.#plane = plane;
  }

  /** Runs that the plane has not taken yet. */
  get size(): number {
    return this.#waiting.length;
  }

  /**
   * Resolves when the plane has taken the run.
   *
   * @throws DownbeatError `queue_full`, at once; the promise rejects with the plane's refusal
   */
  add(trigger: QueuedTrigger): Promise<void> {
    const characters = this.#characters + trigger.characters;
    if (this.#waiting.length >= MOST_WAITING || characters > MOST_WAITING_CHARACTERS) {
      throw new DownbeatError("queue_full", {
        message: `${this.#waiting.length} runs with ${this.#characters} characters of parameters wait to be sent already.`,
      });
    }
    this.#characters = characters;
    const sent = new Promise<void>((resolve, reject) => {
      this.#waiting.push({ ...trigger, resolve, reject });
    });
    if (!this.#isSending) {
      this.#isSending = true;
      setImmediate(() => void this.#send());
    }
    return sent;
  }

  /** From now on waiting for the plane keeps the process, and it is asked at once. */
  hurry(): void {
    this.#hurries = true;
    this.#wake();
  }

  async #send(): Promise<void> {
    let failures = 0;
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.slice(0, MOST_AT_ONCE);
      if (await this.#deliver(batch)) {
        failures = 0;
        this.#waiting.splice(0, batch.length);
        for (const { characters } of batch) this.#characters -= characters;
      } else {
        await this.#pause(Math.min(FIRST_DELAY_MS * 2 ** failures++, LONGEST_DELAY_MS));
      }
    }
    this.#isSending = false;
  }

  /** False when the plane is away; then nothing was decided. */
  async #deliver(batch: readonly Entry[]): Promise<boolean> {
    try {
      const requests = await Promise.all(batch.map(withParent));
      const answers = await (await this.#plane()).trigger(requests);
      batch.forEach(({ resolve, reject }, at) => {
        const answer = answers[at];
        if (answer !== undefined && "run" in answer) resolve();
        else reject(refused(answer?.refusal));
      });
      return true;
    } catch (error) {
      if (isDownbeatError(error) && error.retryable) return false;
      return this.#isolate(batch, error);
    }
  }

  /** Refused as a whole: finds what the plane objects to, so that the others get through. */
  async #isolate(batch: readonly Entry[], error: unknown): Promise<boolean> {
    if (batch.length > 1) {
      const middle = Math.ceil(batch.length / 2);
      // Both halves, whatever became of the first: what was taken of it is found again by its id.
      const first = await this.#deliver(batch.slice(0, middle));
      return (await this.#deliver(batch.slice(middle))) && first;
    }
    for (const { reject } of batch) reject(error as Error);
    return true;
  }

  /** Waits without keeping the process alive, unless {@link hurry} was called. */
  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, delayMs);
      if (!this.#hurries) timer.unref();
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

async function withParent({ request, parent }: Entry): Promise<TriggerRequest> {
  const parentRunId = await parent;
  return parentRunId === undefined ? request : { ...request, parentRunId };
}
