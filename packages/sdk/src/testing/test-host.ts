import { uuidv7 } from "uuidv7";
import { RunCancelled } from "../errors.ts";
import type { PausePoint } from "../pause-point.ts";
import type { RunEvent, RunHost, RunIdentity } from "../run-host.ts";
import { sleep } from "../timers.ts";
import type { Timers } from "../timers.ts";

export type TestHostOptions = {
  readonly flowName: string;
  readonly timers: Timers;
  /** What is given to whoever waits at a pause point, by key. */
  readonly givenInputs: Readonly<Record<string, unknown>>;
  /** What points passed by earlier executions were given. */
  readonly passedInputs: Readonly<Record<string, unknown>>;
  readonly onEvent: (event: RunEvent) => void;
  /** Nobody will resume the run, and nothing ends its wait. */
  readonly onWaiting: (wait: Wait) => void;
  /** Nobody resumed the run in time, and that ends it. */
  readonly onTimedOut: (wait: Wait) => void;
  /** The process would end here, and begin again once the run was resumed with this. */
  readonly onResumed: (point: PausePoint, input: unknown) => void;
};

export type Wait = { readonly point: PausePoint; readonly stateName: "Paused" | "Suspended" };

/** Hosts one execution of a flow in a test, as an agent would. */
export class TestHost implements RunHost {
  readonly run: RunIdentity;
  readonly inputs: Record<string, unknown>;
  readonly #options: TestHostOptions;
  readonly #controller = new AbortController();
  #isOver = false;

  constructor(options: TestHostOptions) {
    this.#options = options;
    this.run = { runId: uuidv7(), epoch: 1, flowName: options.flowName, attempt: 1 };
    this.inputs = { ...options.passedInputs };
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  event(event: RunEvent): void {
    if (!this.#isOver) this.#options.onEvent(event);
  }

  cancel(): void {
    this.#controller.abort(new RunCancelled(`flow "${this.run.flowName}"`));
  }

  /** What it does from now on is not heard any more. */
  end(): void {
    this.#isOver = true;
    this.cancel();
  }

  async pause(point: PausePoint, signal: AbortSignal | undefined): Promise<unknown> {
    const input = await this.#inputFor({ point, stateName: "Paused" }, signal);
    return (this.inputs[point.key] = input);
  }

  suspend(point: PausePoint): void {
    void this.#inputFor({ point, stateName: "Suspended" }, this.signal).then(
      (input) => this.#options.onResumed(point, input),
      () => {}, // cancelled meanwhile
    );
  }

  // Never resolves when nobody gives one: the test is told, and ends.
  async #inputFor(wait: Wait, signal: AbortSignal | undefined): Promise<unknown> {
    const { givenInputs, onTimedOut, onWaiting, timers } = this.#options;
    const { key, timeoutSeconds, onTimeout } = wait.point;
    if (Object.hasOwn(givenInputs, key)) return givenInputs[key];
    if (timeoutSeconds === null) onWaiting(wait);
    else {
      await sleep(timers, timeoutSeconds * 1_000, signal);
      if (onTimeout === "resume") return null;
      onTimedOut(wait);
    }
    return new Promise(() => {});
  }
}
