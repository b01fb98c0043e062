import type { PausePoint } from "../pause-point.ts";
import type { KeepAlive } from "./keep-alive.ts";

export type PauseDeskOptions = {
  /** What pause points that earlier attempts passed were given, by key. */
  readonly inputs: Readonly<Record<string, unknown>>;
  /** Tells the agent that the flow waits. */
  readonly paused: (point: PausePoint) => void;
  readonly keepAlive: Pick<KeepAlive, "hold">;
  readonly suspended: (point: PausePoint) => void;
};

type Waiting = {
  readonly point: PausePoint;
  readonly signal: AbortSignal;
  readonly resolve: (input: unknown) => void;
  readonly reject: (reason: unknown) => void;
};

/**
 * The pause points of one run in its process. A run waits at one of them at a time, as the plane sees it: points reached
 * while another is awaited take their turn.
 */
export class PauseDesk {
  readonly inputs: Record<string, unknown>;
  readonly #options: PauseDeskOptions;
  readonly #queue: Waiting[] = [];
  #letGo: () => void = () => {};

  constructor(options: PauseDeskOptions) {
    this.#options = options;
    this.inputs = { ...options.inputs };
  }

  /** Resolves with what someone gave; rejects with the signal's reason when it aborts. */
  pause(point: PausePoint, signal: AbortSignal): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const waiting = { point, signal, resolve, reject };
      const onAbort = () => this.#leave(waiting, () => reject(signal.reason));
      signal.addEventListener("abort", onAbort, { once: true });
      this.#queue.push(waiting);
      if (this.#queue.length === 1) this.#announce();
    });
  }

  /** Hands over an input; one that nobody waits for any more is forgotten. */
  resume(key: string, input: unknown): void {
    const [waiting] = this.#queue;
    if (waiting?.point.key !== key) return;
    this.inputs[key] = input;
    this.#leave(waiting, () => waiting.resolve(input));
  }

  suspend(point: PausePoint): void {
    this.#options.suspended(point);
  }

  #leave(waiting: Waiting, settle: () => void): void {
    const at = this.#queue.indexOf(waiting);
    if (at < 0) return;
    this.#queue.splice(at, 1);
    settle();
    if (at === 0) this.#announce();
  }

  #announce(): void {
    const [next] = this.#queue;
    this.#letGo();
    if (next === undefined) return;
    this.#letGo = this.#options.keepAlive.hold();
    this.#options.paused(next.point);
  }
}
