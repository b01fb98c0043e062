import { DownbeatError } from "@downbeat/contract/errors";
import type { CacheOption, PersistOption } from "./cache/cache-options.ts";
import { callTask } from "./call-task.ts";
import { nameOf } from "./definition-name.ts";
import { currentFrame } from "./frame.ts";
import { mapTask } from "./map-task.ts";
import { nameRenderer } from "./render-name.ts";
import type { RenderName } from "./render-name.ts";
import { backgroundProperties } from "./remote/background-task.ts";
import { planKeeping } from "./results/keep-plan.ts";
import { checkRetryOptions } from "./retry-policy.ts";
import type { RetryOptions } from "./retry-policy.ts";
import { RUN_WHEN } from "./run-when.ts";
import type { RunWhen } from "./run-when.ts";
import { hookTableOf } from "./state-hooks.ts";
import type { TaskHooks } from "./state-hooks.ts";
import { collecting, isGeneratorFunction, streamTask } from "./stream-task.ts";
import { submitTask } from "./submit-task.ts";
import { checkLimits, checkTags } from "./task-limits.ts";
import { TaskRun } from "./task-run.ts";
import type { TaskSpec } from "./task-spec.ts";
import { answerThreadCall } from "./threads/in-thread.ts";
import { inThread } from "./threads/run-in-thread.ts";
import { isThreadCall } from "./threads/thread-call.ts";
import type { ThreadRunner } from "./threads/thread-runner.ts";
import type { AnyFunction, BackgroundTask, Task, TaskResult } from "./task-types.ts";
import type { TransactionHooks } from "./transaction-scope.ts";

/** What a task is called, how it is retried, timed out and limited, and what becomes of its results. */
export type TaskOptions<F extends AnyFunction = AnyFunction> = RetryOptions &
  TaskHooks &
  TransactionHooks<Parameters<F>, TaskResult<F>> & {
    /** Shown for every run of the task, in clear. Default: the function's own name. */
    readonly name?: string;
    /**
     * What one run is called, sealed: a template such as `fetch {day}` (a parameter, or a property of the first argument;
     * `{0}` is the first argument), or a function of the arguments. Default: nothing but `name`.
     */
    readonly renderName?: RenderName<Parameters<F>>;
    /**
     * Named limits (`downbeat limit set`) of which each attempt holds a slot: it waits until each has one free. Default: none.
     * Outside an agent nothing is limited.
     */
    readonly limits?: readonly string[];
    /**
     * Static labels, in clear. Each attempt holds a slot of every limit that has one of them (`downbeat limit set --tag`).
     * Default: none.
     */
    readonly tags?: readonly string[];
    /** Where the function runs: here, or in worker threads with `threads(import.meta.url, "name of the export")`. */
    readonly runner?: ThreadRunner;
    /** Whether agents may execute single calls of it: `delay(...)` asks for one. Export it and deploy it. Default false. */
    readonly background?: boolean;
    /**
     * Keeps the result for later attempts of the same run: after a crash, a retry of the flow, or
     * `runs retry --from-failed` the task is not called again. Default false.
     */
    readonly persist?: PersistOption;
    /** Takes the value that the same call made before, in this run or another. Default false. */
    readonly cache?: CacheOption;
  };

/** Options of some calls of a task: those of the task itself, and what only a call can know. */
export type CallOptions<F extends AnyFunction = AnyFunction> = TaskOptions<F> & {
  /** What must have ended before the task runs, besides futures among its arguments: futures and promises. */
  readonly after?: readonly PromiseLike<unknown>[];
  /** Whether it then runs. Default `all-completed`. */
  readonly runWhen?: RunWhen;
};

/**
 * Makes a task of a function: each call is retried, timed out and recorded as asked. Works inside a flow, inside
 * another task, and alone. A call rejects with exactly what the function threw last.
 *
 * @example
 * const fetchDay = task({ name: "fetch-day", retries: 3, timeoutMs: 30_000 }, async (day: string) => { … });
 * await fetchDay("2014-07-01");
 * const future = fetchDay.submit("2014-07-02");
 * const week = await fetchDay.map(days, { concurrency: 5 });
 * @throws DownbeatError `definition_invalid` when the name is missing or an option cannot work.
 */
export function task<F extends AnyFunction>(
  options: TaskOptions<NoInfer<F>> & { readonly background: true },
  fn: F,
): BackgroundTask<F>;
export function task<F extends AnyFunction>(fn: F): Task<F>;
export function task<F extends AnyFunction>(options: TaskOptions<NoInfer<F>>, fn: F): Task<F>;
export function task<F extends AnyFunction>(first: TaskOptions<F> | F, second?: F): Task<F> {
  const [options, fn] = typeof first === "function" ? [{}, first] : [first, second];
  const name = nameOf("task", options.name, fn);
  return defineTask({ ...(options as AnyOptions), name }, fn as F);
}

/** Options of no function in particular. */
type AnyOptions = CallOptions<(...args: never[]) => never>;
type NamedOptions = AnyOptions & { readonly name: string };

function defineTask<F extends AnyFunction>(options: NamedOptions, fn: F): Task<F> {
  const isStream = isGeneratorFunction(fn);
  if (isStream && options.runner !== undefined) throw streamInThread(options.name);
  const inside = specOf(options, fn);
  const spec = options.runner === undefined ? inside : { ...inside, fn: inThread(options.runner) };
  const background = isStream ? collecting(spec) : spec;
  const submit = (...args: unknown[]) => submitTask(background, args);
  const call = isStream
    ? function (this: unknown, ...args: unknown[]) {
        return streamTask(spec, this, args);
      }
    : function (this: unknown, ...args: unknown[]) {
        if (options.runner !== undefined && isThreadCall(args[0]))
          return answerThreadCall(inside, args[0]);
        return callTask(new TaskRun(spec, args, currentFrame()?.task?.run), this);
      };
  return Object.defineProperties(call, {
    name: { value: spec.name, configurable: true },
    length: { value: fn.length, configurable: true },
    taskName: { value: spec.name, enumerable: true },
    submit: { value: submit },
    map: { value: (...args: unknown[]) => mapTask(background, args) },
    with: { value: (more: AnyOptions) => defineTask({ ...options, ...more }, fn) },
    ...(options.background === true && backgroundProperties(spec.name, submit)),
  }) as unknown as Task<F>;
}

function specOf(options: NamedOptions, fn: AnyFunction): TaskSpec {
  const name = nameOf("task", options.name, fn);
  const owner = `task "${name}"`;
  checkRetryOptions(owner, options);
  checkLimits(owner, options.limits);
  checkTags(owner, options.tags);
  checkRunWhen(owner, options.runWhen);
  const { onCommit, onRollback } = options;
  return {
    noun: "task",
    name,
    owner,
    fn,
    retry: options,
    limits: options.limits,
    tags: options.tags,
    keep: planKeeping(owner, options, fn),
    hooks: hookTableOf(options),
    renderName: nameRenderer(options.renderName, { owner, fn }),
    // A copy: what is pushed onto the list later is not awaited.
    after: options.after && [...options.after],
    runWhen: options.runWhen,
    transactionHooks: onCommit === undefined && onRollback === undefined ? undefined : options,
  };
}

function streamInThread(name: string): DownbeatError {
  return new DownbeatError("definition_invalid", {
    message: `task "${name}" is a generator; a task in threads returns its result as one`,
  });
}

function checkRunWhen(owner: string, rule: RunWhen | undefined): void {
  if (rule === undefined || typeof rule === "function" || Object.hasOwn(RUN_WHEN, rule)) return;
  throw new DownbeatError("definition_invalid", {
    message: `runWhen of ${owner} is ${String(rule)}; it must be ${Object.keys(RUN_WHEN).join(", ")} or a function`,
  });
}
