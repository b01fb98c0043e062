import { expect, expectTypeOf, test } from "vitest";
import { FLOW } from "./flow-definition.ts";
import { withTimers } from "./frame.ts";
import { exponential, flow, NonRetriableError, runContext, task } from "./index.ts";
import { ManualTimers } from "./testing/manual-timers.ts";
import { RecordingHost } from "./testing/recording-host.ts";

test("a task keeps the signature of an async function, generics included", async () => {
  const first = task(
    { name: "first" },
    async <T>(items: readonly T[]): Promise<T | undefined> => items[0],
  );
  expectTypeOf(first(["a"])).toEqualTypeOf<Promise<string | undefined>>();
  expectTypeOf(first([1])).toEqualTypeOf<Promise<number | undefined>>();
  expect(await first(["a", "b"])).toBe("a");
});

test("a task of a synchronous function returns a promise of its result", async () => {
  const double = task(function double(n: number) {
    return n * 2;
  });
  expectTypeOf(double).parameters.toEqualTypeOf<[n: number]>();
  expectTypeOf(double(1)).toEqualTypeOf<Promise<number>>();
  // @ts-expect-error a task takes what its function takes
  void double("2");
  expect(await double(21)).toBe(42);
  expect([double.name, double.taskName, double.length]).toEqual(["double", "double", 1]);
});

test("a task keeps `this`", async () => {
  class Counter {
    count = 41;
    next = task({ name: "next" }, function (this: Counter) {
      return this.count + 1;
    });
  }
  expect(await new Counter().next()).toBe(42);
});

test("a task outside a flow retries with the delays asked for, then succeeds", async () => {
  const timers = new ManualTimers();
  const calledAt: number[] = [];
  const flaky = task(
    { name: "flaky", retries: 3, retryDelay: exponential({ firstMs: 200, jitter: 0.2 }) },
    async () => {
      calledAt.push(timers.now());
      if (calledAt.length < 4) throw new Error("not yet");
      return "done";
    },
  );
  expect(await timers.settle(withTimers(timers, () => flaky()))).toBe("done");
  const start = calledAt[0] ?? Number.NaN;
  expect(calledAt.map((at) => at - start)).toEqual([0, 200, 600, 1400]);
});

test("retries used up reject with exactly what was thrown last", async () => {
  const thrown: Error[] = [];
  const failing = task({ name: "failing", retries: 2, retryDelay: 0 }, async () => {
    const error = new Error(`failure ${thrown.length + 1}`);
    thrown.push(error);
    throw error;
  });
  const error: unknown = await failing().catch((caught: unknown) => caught);
  expect(thrown).toHaveLength(3);
  expect(error).toBe(thrown[2]);
});

test("retryIf decides per error", async () => {
  let calls = 0;
  const options = {
    name: "picky",
    retries: 5,
    retryDelay: 0,
    retryIf: (error: unknown) => !(error instanceof RangeError),
  };
  const picky = task(options, () => {
    calls += 1;
    throw calls === 2 ? new RangeError("hopeless") : new Error("maybe");
  });
  await expect(picky()).rejects.toThrow("hopeless");
  expect(calls).toBe(2);
});

test("a timeout aborts the signal, rejects, and is retried like any failure", async () => {
  const timers = new ManualTimers();
  const reasons: unknown[] = [];
  const slow = task({ name: "slow", timeoutMs: 5_000, retries: 1, retryDelay: 100 }, async () => {
    const { signal } = runContext();
    await new Promise<void>((resolve) => {
      signal.addEventListener("abort", () => {
        reasons.push(signal.reason);
        resolve();
      });
    });
  });
  const startedAt = timers.now();
  const call = timers.settle(withTimers(timers, () => slow()));
  await expect(call).rejects.toThrow(
    'task "slow" took longer than its timeoutMs of 5000 (attempt 2)',
  );
  expect(timers.now() - startedAt).toBe(10_100);
  expect(reasons).toHaveLength(2);
});

test("something thrown that is no Error reaches the caller as it is, and is recorded as ThrownValue", async () => {
  const odd = task({ name: "odd" }, () => {
    // oxlint-disable-next-line typescript/only-throw-error -- this is what the test is about
    throw "just text";
  });
  const caught: unknown[] = [];
  const outer = flow({ name: "outer" }, async () => {
    await odd().catch((error: unknown) => caught.push(error));
  });
  const host = new RecordingHost("outer");
  expect(await outer[FLOW].execute({}, host)).toEqual({ outcome: "completed" });
  expect(caught).toEqual(["just text"]);
  expect(host.taskRuns("odd").at(-1)?.error).toEqual({
    class: "ThrownValue",
    message: "thrown value: just text",
  });
});

test.each([
  [() => task(async () => 1), "has no name"],
  [() => task({ name: "x/y" }, async () => 1), '"x/y" cannot name a task'],
  [() => task({ name: "x", retries: -1 }, async () => 1), 'retries of task "x" is -1'],
  [
    () => task({ name: "x", retries: 1.5 }, async () => 1),
    'retries of task "x" is 1.5; it must be a whole number',
  ],
  [() => task({ name: "x", timeoutMs: 0 }, async () => 1), 'timeoutMs of task "x" is 0'],
  [
    () => task({ name: "x", timeoutMs: 2 ** 31 }, async () => 1),
    'timeoutMs of task "x" is 2147483648',
  ],
  [
    () => task({ name: "x", retryDelay: [10, Number.NaN] }, async () => 1),
    'retryDelay of task "x" is NaN',
  ],
  [
    () => task({ name: "x" }, undefined as unknown as () => void),
    'task("x") was given no function',
  ],
  [() => exponential({ factor: 0 }), "exponential factor is 0"],
])("a definition that cannot work is refused at once (%#)", (define, message) => {
  expect(define).toThrow(message);
});

test("NonRetriableError ends the attempts, and the budget is visible in each", async () => {
  const budgets: unknown[] = [];
  const doomed = task({ name: "doomed", retries: 5, retryDelay: 0 }, () => {
    budgets.push(runContext().task?.retriesLeft);
    throw budgets.length === 3 ? new NonRetriableError("give up") : new Error("again");
  });
  await expect(doomed()).rejects.toThrow("give up");
  expect(budgets).toEqual([5, 4, 3]);
});

test("two tasks of one name count together and are both recorded", async () => {
  const host = new RecordingHost("twins");
  const one = task({ name: "twin" }, async () => 1);
  const other = task({ name: "twin" }, async () => 2);
  const twins = flow({ name: "twins" }, async () => (await one()) + (await other()));
  expect(await twins[FLOW].execute({}, host)).toEqual({ outcome: "completed" });
  const ended = host.taskRuns("twin").filter(({ state }) => state.type === "COMPLETED");
  expect(ended.map(({ index }) => index)).toEqual([0, 1]);
});

test("with() keeps the task as it is and changes only the calls it is asked for", async () => {
  let calls = 0;
  const flaky = task({ name: "flaky", retryDelay: 0 }, async () => {
    calls += 1;
    throw new Error("always");
  });
  await expect(flaky.with({ retries: 2 })()).rejects.toThrow("always");
  expect(calls).toBe(3);
  await expect(flaky()).rejects.toThrow("always");
  expect(calls).toBe(4);
  expect(() => flaky.with({ retries: -1 })).toThrow('retries of task "flaky" is -1');
});
