import { callTask } from "./call-task.ts";
import { currentFrame } from "./frame.ts";
import { HandOff } from "./hand-off.ts";
import { TaskRun } from "./task-run.ts";
import type { TaskSpec } from "./task-spec.ts";
import { untilAborted } from "./timers.ts";

type AnyGenerator = AsyncGenerator<unknown, unknown> | Generator<unknown, unknown>;

/** Whether a task of this function streams. */
export function isGeneratorFunction(fn: unknown): boolean {
  return /Generator/.test(Object.prototype.toString.call(fn));
}

/**
 * Runs a task that yields: each item goes to the caller when it asks for the next. The task begins with the first and
 * lasts until the last, or until the caller leaves its loop.
 */
export async function* streamTask(
  spec: TaskSpec,
  thisArg: unknown,
  args: readonly unknown[],
): AsyncGenerator<unknown, unknown, void> {
  const handOff = new HandOff<unknown>();
  const run = new TaskRun(streaming(spec, thisArg, handOff), args, currentFrame()?.task?.run);
  const forget = currentFrame()?.scope?.streamOpened(() => handOff.close());
  const ended = callTask(run, thisArg).then(
    (value) => handOff.finish(value),
    (error: unknown) => handOff.fail(error),
  );
  try {
    for (let next = await handOff.next(); ; next = await handOff.next()) {
      if (next.done === true) return next.value;
      yield next.value;
    }
  } finally {
    handOff.close();
    await ended;
    forget?.();
  }
}

/** The same task for `submit` and `map`, where nobody reads along: its result is the list of all items. */
export function collecting(spec: TaskSpec): TaskSpec {
  const generate = spec.fn as (...args: unknown[]) => AnyGenerator;
  const fn = async (...args: unknown[]): Promise<unknown[]> => {
    const items: unknown[] = [];
    for await (const item of generate(...args)) items.push(item);
    return items;
  };
  return { ...spec, fn };
}

function streaming(spec: TaskSpec, thisArg: unknown, handOff: HandOff<unknown>): TaskSpec {
  let isGiven = false;
  const fn = async (...args: unknown[]): Promise<unknown> => {
    const generator = Reflect.apply(spec.fn, thisArg, args) as AnyGenerator;
    const signal = currentFrame()?.signal;
    try {
      while (await untilAborted(handOff.asked(), signal)) {
        const next = await generator.next();
        signal?.throwIfAborted();
        if (next.done === true) return next.value;
        isGiven = true;
        handOff.give(next.value);
      }
      return undefined;
    } finally {
      await generator.return(undefined);
    }
  };
  const { retryIf } = spec.retry;
  // The caller has acted on the first items; beginning again would give it those a second time.
  const retry = {
    ...spec.retry,
    retryIf: (error: unknown, attempt: number) => !isGiven && (retryIf?.(error, attempt) ?? true),
  };
  // What went to the caller item by item is not there to be kept.
  return { ...spec, fn, retry, keep: undefined };
}
