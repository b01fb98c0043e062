import type { FLOW, FlowDefinition } from "./flow-definition.ts";
import type { TaskFuture } from "./future.ts";
import type { MapOptions, Unmapped } from "./map-arguments.ts";
import type { BackgroundRun } from "./remote/background-task.ts";
import type { RunWhen } from "./run-when.ts";
import type { CallOptions } from "./task.ts";

export type AnyFunction = (...args: never[]) => unknown;

/**
 * A task: the function it wraps, called the same way. What already returned a promise keeps its exact type, generics
 * and overloads included; a synchronous function now returns a promise of its result, and a generator an async one.
 */
export type Task<F extends AnyFunction> = TaskCall<F> & {
  readonly taskName: string;
  /**
   * Starts the task without waiting for it. Arguments may be futures, themselves or directly in a list or an object: it
   * runs when they have completed, and receives their values. The function is called without `this`.
   */
  submit(...args: WithFutures<Parameters<F>>): TaskFuture<TaskResult<F>>;
  /**
   * Calls the task once for each item of a list, at most `concurrency` at a time (default 100), and brings the results in
   * the order of the items. Further arguments are lists of the same length, plain values, or `unmapped()`. All calls are
   * made even if some fail; then it rejects with the first failure in that order.
   */
  map(...args: [...MapArguments<Parameters<F>>, options?: MapOptions]): TaskFuture<TaskResult<F>[]>;
  /** The same task with other options, for some of its calls. */
  with(options: CallOptions<F> & { readonly runWhen?: "all-completed" | "all-done" }): Task<F>;
  with(
    options: CallOptions<F> & { readonly runWhen: RunWhen },
  ): Task<(...args: Parameters<F>) => Promise<TaskResult<F> | undefined>>;
};

/**
 * A task of which agents execute single calls. `delay` takes the task's own arguments (JSON values; they are sealed) and
 * returns at once: the run is sent in a batch with others of the same moment.
 */
export type BackgroundTask<F extends AnyFunction> = Task<F> & {
  /** @throws DownbeatError `parameters_invalid` naming the argument that JSON cannot carry; `queue_full` */
  delay(...args: Parameters<F>): BackgroundRun;
  readonly [FLOW]: FlowDefinition;
};

/** What a task brings in the end: of a generator, the list of all its items. */
export type TaskResult<F extends AnyFunction> =
  IsNever<ReturnType<F>> extends true
    ? never
    : ReturnType<F> extends AnyGenerator<infer T>
      ? T[]
      : Awaited<ReturnType<F>>;

type TaskCall<F extends AnyFunction> =
  IsNever<ReturnType<F>> extends true
    ? (this: ThisParameterType<F>, ...args: Parameters<F>) => Promise<never>
    : ReturnType<F> extends AnyGenerator<infer T, infer R>
      ? (this: ThisParameterType<F>, ...args: Parameters<F>) => AsyncGenerator<T, R, void>
      : ReturnType<F> extends PromiseLike<unknown>
        ? F
        : (this: ThisParameterType<F>, ...args: Parameters<F>) => Promise<Awaited<ReturnType<F>>>;

type AnyGenerator<T = unknown, R = unknown> = AsyncGenerator<T, R, never> | Generator<T, R, never>;

// `never` extends everything, a promise too; a function that always throws is still a synchronous one.
type IsNever<T> = [T] extends [never] ? true : false;

type WithFutures<A extends readonly unknown[]> = { [K in keyof A]: OrFuture<A[K]> };
type OrFuture<T> = T | TaskFuture<T> | FuturesInside<T>;
type FuturesInside<T> = T extends readonly unknown[] | Record<string, unknown>
  ? { [K in keyof T]: T[K] | TaskFuture<T[K]> }
  : never;

type MapArguments<A extends readonly unknown[]> = { [K in keyof A]: MapArgument<A[K]> };
type MapArgument<T> =
  | Iterable<T | TaskFuture<T>>
  | TaskFuture<Iterable<T>>
  | TaskFuture<T>
  | Unmapped<T | TaskFuture<T>>
  | Extract<T, string | number | bigint | boolean | symbol | null | undefined>;
