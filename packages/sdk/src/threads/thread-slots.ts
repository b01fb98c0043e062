import type { MessagePort } from "node:worker_threads";
import { RunCancelled } from "../errors.ts";
import type { RunHost, SlotRequest } from "../run-host.ts";

/** What a thread asks of the process around it, which knows the plane. */
export type SlotWish =
  | { readonly kind: "take_slots"; readonly id: number; readonly request: SlotRequest }
  | { readonly kind: "give_slots"; readonly id: number };

type SlotAnswer = { readonly id: number; readonly isGranted: boolean };

/** The thread's side: a wish travels through the port, and so does what becomes of it. */
export function slotsThrough(port: MessagePort): NonNullable<RunHost["acquireSlots"]> {
  const waiting = new Map<number, (isGranted: boolean) => void>();
  let asked = 0;
  const say = (wish: SlotWish): void => port.postMessage(wish);
  port.on("message", ({ id, isGranted }: SlotAnswer) => {
    waiting.get(id)?.(isGranted);
    waiting.delete(id);
  });
  return async (request) => {
    const id = asked++;
    const isGranted = await new Promise<boolean>((resolve) => {
      waiting.set(id, resolve);
      say({ kind: "take_slots", id, request });
    });
    if (!isGranted) throw new RunCancelled(`task run ${request.taskRunId}`);
    return () => say({ kind: "give_slots", id });
  };
}

/** The side of the process: takes slots for one thread's call, and gives back what it leaves behind when it is ended. */
export class SlotDesk {
  readonly #host: RunHost | undefined;
  readonly #port: MessagePort;
  readonly #closed = new AbortController();
  readonly #held = new Map<number, () => void>();

  constructor(host: RunHost | undefined, port: MessagePort) {
    this.#host = host;
    this.#port = port;
  }

  heed(wish: SlotWish): void {
    if (wish.kind === "take_slots") void this.#take(wish.id, wish.request);
    else this.#give(wish.id);
  }

  /** Nothing more will be asked. */
  close(): void {
    this.#closed.abort(new RunCancelled("the thread's task"));
    for (const id of this.#held.keys()) this.#give(id);
  }

  async #take(id: number, request: SlotRequest): Promise<void> {
    const { signal } = this.#closed;
    // The host rejects when the run is cancelled or not held any more: then nothing is to start in the thread either.
    const give = await this.#host?.acquireSlots?.(request, signal).catch(() => undefined);
    if (give !== undefined) this.#held.set(id, give);
    if (signal.aborted) this.#give(id);
    else this.#port.postMessage({ id, isGranted: give !== undefined } satisfies SlotAnswer);
  }

  #give(id: number): void {
    this.#held.get(id)?.();
    this.#held.delete(id);
  }
}
