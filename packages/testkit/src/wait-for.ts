import { setTimeout as pause } from "node:timers/promises";

/** How long {@link waitFor} keeps asking, how often, and what to call the thing awaited. */
export type WaitOptions = {
  /** Give up after this long. Default 10 000 ms. */
  readonly deadlineMs?: number;
  /** Time between two questions. Default 20 ms. */
  readonly intervalMs?: number;
  /** Completes "Waited … for"; put the awaited fact in words. */
  readonly describe?: string;
};

type Falsy = false | 0 | "" | null | undefined;

/**
 * Asks until the answer is truthy and returns that answer. A question that throws counts as "not yet"; its last error
 * becomes the cause when the deadline passes.
 *
 * @throws Error at the deadline, naming what was awaited and the last answer.
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  options: WaitOptions = {},
): Promise<Exclude<T, Falsy>> {
  const { deadlineMs = 10_000, intervalMs = 20, describe = "a condition" } = options;
  const givenUpAt = performance.now() + deadlineMs;
  for (;;) {
    const answer = await ask(condition);
    if ("value" in answer && answer.value) return answer.value as Exclude<T, Falsy>;
    if (performance.now() >= givenUpAt) throw tooLate(describe, deadlineMs, answer);
    await pause(intervalMs);
  }
}

type Answer<T> = { readonly value: T } | { readonly error: unknown };

async function ask<T>(condition: () => T | Promise<T>): Promise<Answer<T>> {
  try {
    return { value: await condition() };
  } catch (error) {
    return { error };
  }
}

function tooLate(describe: string, deadlineMs: number, last: Answer<unknown>): Error {
  const waited = `Waited ${deadlineMs} ms for ${describe}`;
  if ("error" in last) {
    return new Error(`${waited}; the last question threw: ${String(last.error)}`, {
      cause: last.error,
    });
  }
  return new Error(`${waited}; the last answer was ${String(last.value)}.`);
}
