import { callTask } from "./call-task.ts";
import { nameOf } from "./definition-name.ts";
import { checkRetryOptions } from "./retry-policy.ts";
import type { RetryOptions } from "./retry-policy.ts";
import { checkLimits } from "./task-limits.ts";

export type TaskOptions = RetryOptions & {
  /** Shown for every run of the task, in clear. Default: the function's own name. */
  readonly name?: string;
  /**
   * Named limits (`downbeat limit set`) of which each attempt holds a slot: it waits until each has one free. Default: none.
   * Outside an agent nothing is limited.
   */
  readonly limits?: readonly string[];
};

type AnyFunction = (...args: never[]) => unknown;

/**
 * A task: the function it wraps, called the same way. What already returned a promise keeps its exact type, generics
 * and overloads included; a synchronous function now returns a promise of its result.
 */
export type Task<F extends AnyFunction> = (ReturnsPromise<F> extends true
  ? F
  : (this: ThisParameterType<F>, ...args: Parameters<F>) => Promise<Awaited<ReturnType<F>>>) & {
  readonly taskName: string;
};

// `never` extends everything, a promise too; a function that always throws is still a synchronous one.
type ReturnsPromise<F extends AnyFunction> = [ReturnType<F>] extends [never]
  ? false
  : ReturnType<F> extends PromiseLike<unknown>
    ? true
    : false;

/**
 * Makes a task of a function: each call is retried, timed out and recorded as asked. Works inside a flow, inside
 * another task, and alone. A call rejects with exactly what the function threw last.
 *
 * @example
 * const fetchDay = task({ name: "fetch-day", retries: 3, timeoutMs: 30_000 }, async (day: string) => { … });
 * await fetchDay("2014-07-01");
 * @throws DownbeatError `definition_invalid` when the name is missing or an option cannot work.
 */
export function task<F extends AnyFunction>(fn: F): Task<F>;
export function task<F extends AnyFunction>(options: TaskOptions, fn: F): Task<F>;
export function task<F extends AnyFunction>(first: TaskOptions | F, second?: F): Task<F> {
  const [options, fn] = typeof first === "function" ? [{}, first] : [first, second];
  const name = nameOf("task", options.name, fn);
  checkRetryOptions(`task "${name}"`, options);
  checkLimits(`task "${name}"`, options.limits);
  const wrapped = function (this: unknown, ...args: unknown[]): Promise<unknown> {
    const invoke = () => Reflect.apply(fn as AnyFunction, this, args) as unknown;
    return callTask({ noun: "task", name, options, limits: options.limits, args, invoke });
  };
  Object.defineProperties(wrapped, {
    name: { value: name, configurable: true },
    length: { value: fn?.length ?? 0, configurable: true },
    taskName: { value: name, enumerable: true },
  });
  return wrapped as unknown as Task<F>;
}
