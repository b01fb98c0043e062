import { currentFrame } from "./frame.ts";
import type { TaskState } from "./run-when.ts";
import { waitFor } from "./waiting.ts";
import type { Waiting } from "./waiting.ts";

/** What a future stands for: one task run, or all those of a map. */
export interface FutureSource extends Waiting {
  readonly taskName: string;
  readonly state: TaskState;
  /** Ids for edges; at most so many as a task run can have. */
  taskRunIds(): Iterable<string>;
}

const FUTURE: unique symbol = Symbol.for("downbeat.future") as never;

let anyMade = false;

/** Whether this process has made a future yet. Until then no argument needs to be searched for one. */
export function futuresExist(): boolean {
  return anyMade;
}

/**
 * The result of a task that was submitted: await it, ask it for its `state`, or hand it to another task as an argument,
 * which then waits for it and receives the value. A future that fails without anybody awaiting it does not end the
 * process, as a promise would: the run's log gets a warning.
 */
export class TaskFuture<T> implements Promise<T> {
  readonly [FUTURE] = true;
  readonly [Symbol.toStringTag] = "TaskFuture";
  readonly #source: FutureSource;
  readonly #promise: Promise<T>;
  #isPending = true;
  #isObserved = false;

  /** Futures are made by `task.submit()` and `task.map()`. `onUnobserved` hears of a failure that nobody awaits yet. */
  constructor(
    source: FutureSource,
    promise: Promise<T>,
    onUnobserved: (future: TaskFuture<unknown>, error: unknown) => void,
  ) {
    anyMade = true;
    this.#source = source;
    this.#promise = promise;
    const settled = () => {
      this.#isPending = false;
    };
    promise.then(settled, (error: unknown) => {
      settled();
      if (!this.#isObserved) onUnobserved(this, error);
    });
  }

  get taskName(): string {
    return this.#source.taskName;
  }

  /** Where the task stands now. */
  get state(): TaskState {
    return this.#source.state;
  }

  /** Whether anybody has awaited it, or depends on it. */
  get isObserved(): boolean {
    return this.#isObserved;
  }

  // oxlint-disable-next-line unicorn/no-thenable -- a future is awaited like a promise
  then<A = T, B = never>(
    onCompleted?: ((value: T) => A | PromiseLike<A>) | null,
    onFailed?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.settledFor(currentFrame()?.task?.run).then(onCompleted, onFailed);
  }

  catch<B = never>(onFailed?: ((error: unknown) => B | PromiseLike<B>) | null): Promise<T | B> {
    return this.then(undefined, onFailed);
  }

  finally(onSettled?: (() => void) | null): Promise<T> {
    return this.settledFor(currentFrame()?.task?.run).finally(onSettled);
  }

  /** The same result, for a task that waits for it. Rejects at once when that could never end. */
  settledFor(waiter: Waiting | undefined): Promise<T> {
    this.#isObserved = true;
    if (!this.#isPending || waiter === undefined) return this.#promise;
    try {
      const stopWaiting = waitFor(waiter, this.#source);
      this.#promise.then(stopWaiting, stopWaiting);
      return this.#promise;
    } catch (error) {
      return Promise.reject(error as Error);
    }
  }

  /** For edges. */
  taskRunIds(): Iterable<string> {
    return this.#source.taskRunIds();
  }
}

/** Recognises futures of any copy of this package. */
export function isFuture(value: unknown): value is TaskFuture<unknown> {
  return typeof value === "object" && value !== null && FUTURE in value;
}
