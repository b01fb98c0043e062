import { DownbeatError, isDownbeatError } from "@downbeat/contract/errors";
import type { StateType } from "@downbeat/contract";
import { currentFrame } from "../frame.ts";
import { systemTimers, sleep, type Timers } from "../timers.ts";
import type { RunStatus } from "./remote-plane.ts";
import { planeInReach, type ReachPlane } from "./plane-in-reach.ts";
import { StatusReader } from "./status-reader.ts";

/** How long to wait for the end of a run. */
export type WaitOptions = {
  /** How long to wait at most, in milliseconds. Default: as long as it takes. */
  readonly timeoutMs?: number;
  /** Ends the wait, not the run. Inside a flow or task its own signal counts as well. */
  readonly signal?: AbortSignal | undefined;
};

const ENDED: ReadonlySet<StateType> = new Set(["COMPLETED", "FAILED", "CRASHED", "CANCELLED"]);
const FIRST_LOOK_MS = 100;
const RAREST_LOOK_MS = 2_000;

type Surroundings = {
  readonly plane: ReachPlane;
  /** Resolves when the plane knows the run; rejects when it refused it. Absent: it knows it. */
  readonly accepted?: Promise<unknown>;
  readonly timers?: Timers;
  /** Aborts with the code that holds this. */
  readonly signal?: AbortSignal | undefined;
};

/** A run somewhere else: on an agent, or in a process that serves its flow. */
export class RemoteRun {
  readonly runId: string;
  readonly #around: Surroundings;

  constructor(runId: string, around: Surroundings) {
    this.runId = runId;
    this.#around = around;
  }

  /**
   * What the plane says about the run now.
   *
   * @throws DownbeatError `not_found` when it knows none of this id, or a refusal; `unreachable` when it does not answer
   */
  async status(): Promise<RunStatus> {
    const { plane, accepted, signal } = this.#around;
    await accepted;
    const status = await StatusReader.of(await plane()).read(this.runId, signal);
    if (status !== undefined) return status;
    throw new DownbeatError("not_found", {
      message: `There is no run ${this.runId} that this code may see.`,
    });
  }

  /**
   * Waits for the run's end, whichever it is: look at `state.type`. While the plane is away it waits on.
   *
   * @example
   * const { state } = await remoteRun(runId).wait({ timeoutMs: 60_000 });
   * @throws DownbeatError `wait_timed_out` (the run goes on), or as {@link status}; the signal's reason when that aborts
   */
  async wait({ timeoutMs, signal: given }: WaitOptions = {}): Promise<RunStatus> {
    const { timers = systemTimers, signal: around } = this.#around;
    const late = new AbortController();
    const signal = anyOf([around, given, late.signal]);
    const cancelTimer =
      timeoutMs === undefined
        ? () => {}
        : timers.after(timeoutMs, () => late.abort(timedOut(this.runId, timeoutMs)));
    try {
      return await this.#ended(timers, signal);
    } finally {
      cancelTimer();
    }
  }

  async #ended(timers: Timers, signal: AbortSignal): Promise<RunStatus> {
    for (let delayMs = FIRST_LOOK_MS; ; delayMs = Math.min(delayMs * 1.5, RAREST_LOOK_MS)) {
      const status = await orAbort(signal, this.#look());
      if (status !== undefined && hasEnded(status)) return status;
      await sleep(timers, delayMs, signal);
    }
  }

  /** Undefined while the plane is away. */
  async #look(): Promise<RunStatus | undefined> {
    return this.status().catch((error: unknown) => {
      if (isDownbeatError(error) && error.retryable) return undefined;
      throw error;
    });
  }
}

/** Whether a run is over. */
export function hasEnded({ state }: RunStatus): boolean {
  return ENDED.has(state.type);
}

/**
 * A run by its id, to ask about or wait for from anywhere: another process, another day. Under an agent a flow sees the
 * runs that it has triggered itself, and no others.
 *
 * @example
 * const { state } = await remoteRun(runId).status();
 */
export function remoteRun(runId: string): RemoteRun {
  return new RemoteRun(runId, { plane: planeInReach(), signal: currentFrame()?.signal });
}

function anyOf(signals: readonly (AbortSignal | undefined)[]): AbortSignal {
  return AbortSignal.any(signals.filter((signal) => signal !== undefined));
}

function orAbort<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    if (signal.aborted) return onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    void work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

function timedOut(runId: string, timeoutMs: number): DownbeatError {
  return new DownbeatError("wait_timed_out", {
    message: `The run ${runId} did not end within ${timeoutMs} ms; it goes on.`,
  });
}
