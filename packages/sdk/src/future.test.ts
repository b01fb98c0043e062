import { expect, expectTypeOf, test, vi } from "vitest";
import { FLOW } from "./flow-definition.ts";
import { withTimers } from "./frame.ts";
import { flow, task, UpstreamFailed } from "./index.ts";
import type { TaskFuture } from "./index.ts";
import { ManualTimers } from "./testing/manual-timers.ts";
import { RecordingHost } from "./testing/recording-host.ts";

const double = task({ name: "double" }, async (n: number) => n * 2);
const sum = task({ name: "sum" }, (numbers: readonly number[]) =>
  numbers.reduce((a, b) => a + b, 0),
);
const broken = task({ name: "broken" }, async (): Promise<number> => {
  throw new RangeError("broken on purpose");
});

async function recorded(body: () => Promise<unknown>, host = new RecordingHost("recorded")) {
  const outcome = await flow({ name: "recorded" }, body)[FLOW].execute({}, host);
  return { host, outcome };
}

test("a future is awaited like a promise, tells its state, and is typed", async () => {
  const future = double.submit(21);
  expectTypeOf(future).toEqualTypeOf<TaskFuture<number>>();
  // @ts-expect-error a submitted task takes what its function takes
  double.submit("21");
  expect(future.state).toEqual({ type: "PENDING", name: "Pending" });
  expect(await future).toBe(42);
  expect(future.state).toEqual({ type: "COMPLETED", name: "Completed" });
  expect(await Promise.all([double.submit(1), double(2)])).toEqual([2, 4]);
  await expect(broken.submit()).rejects.toThrow("broken on purpose");
});

test("a future as an argument is awaited before the call, drawn as an edge, and its value never sent", async () => {
  const load = task({ name: "load" }, async (name: string) => `hush-${name}`);
  const join = task({ name: "join" }, (a: string, rest: string[], by: { key: string }) =>
    [a, ...rest, by.key].join("+"),
  );
  let joined = "";
  const { host } = await recorded(async () => {
    const [a, b, c] = [load.submit("a"), load.submit("b"), load.submit("c")];
    joined = await join.submit(a, [b, "plain"], { key: c });
  });
  expect(joined).toBe("hush-a+hush-b+plain+hush-c");
  expect(host.trail("join")).toEqual(["Pending#1", "Running#1", "Completed#1"]);
  const ids = new Set(host.taskRuns("load").map(({ taskRunId }) => taskRunId));
  expect(host.taskRuns("join").at(-1)?.upstream).toEqual([...ids]);
  expect(JSON.stringify(host.events)).not.toContain("hush");
});

test("a list of futures is one argument; a plain call takes futures too", async () => {
  expect(await sum.submit([double.submit(1), double.submit(2), 10])).toBe(16);
  expect(await sum([double.submit(4) as unknown as number])).toBe(8);
});

test("a task whose upstream failed does not run, and what depends on it does not either", async () => {
  const called = vi.fn<(it: unknown) => void>();
  const next = task({ name: "next" }, (n: number) => called(n));
  const last = task({ name: "last" }, (it: unknown) => called(it));
  let error: unknown;
  const { host } = await recorded(async () => {
    error = await last.submit(next.submit(broken.submit())).catch((it: unknown) => it);
  });
  expect(called).not.toHaveBeenCalled();
  expect(host.trail("next")).toEqual(["Pending#1", "UpstreamFailed#1"]);
  expect(host.taskRuns("last").at(-1)).toMatchObject({
    state: { type: "FAILED", name: "UpstreamFailed" },
    error: { class: "UpstreamFailed" },
  });
  expect(error).toBeInstanceOf(UpstreamFailed);
  expect(String(error)).toContain('task "last" did not run: task "next" did not complete');
  expect(error).toMatchObject({ cause: { cause: { message: "broken on purpose" } } });
});

test("`after` orders calls that share no data, with futures and with promises", async () => {
  const order: string[] = [];
  const step = task({ name: "step" }, async (name: string) => {
    await new Promise((resolve) => setImmediate(resolve));
    order.push(name);
  });
  const { host } = await recorded(async () => {
    const first = step.submit("first");
    const second = step.with({ after: [first] }).submit("second");
    await step.with({ after: [second, Promise.resolve()] })("third");
  });
  expect(order).toEqual(["first", "second", "third"]);
  const [first, second] = [0, 1].map((index) =>
    host.taskRuns("step").find((event) => event.index === index),
  );
  expect(second?.upstream).toEqual([first?.taskRunId]);
});

test.each([
  ["all-completed", { fails: "UpstreamFailed", completes: "Completed" }],
  ["all-done", { fails: "Completed", completes: "Completed" }],
  ["any-failed", { fails: "Completed", completes: "Skipped" }],
  [(): boolean => false, { fails: "UpstreamFailed", completes: "Skipped" }],
  [(): boolean => true, { fails: "Completed", completes: "Completed" }],
] as const)("runWhen %s decides what follows a failure", async (runWhen, expected) => {
  const tidy = task({ name: "tidy" }, async () => "tidied");
  for (const upstream of ["fails", "completes"] as const) {
    const { host, outcome } = await recorded(async () => {
      const future = upstream === "fails" ? broken.submit() : double.submit(1);
      await Promise.allSettled([tidy.with({ after: [future], runWhen })()]);
    });
    expect(outcome).toEqual({ outcome: "completed" });
    expect(host.trail("tidy").at(-1)).toBe(`${expected[upstream]}#1`);
  }
});

test("a rule sees how each upstream ended; a task that need not run resolves with undefined", async () => {
  const seen: unknown[] = [];
  const alert = task({ name: "alert" }, async (n: number) => `sent ${n}`).with({
    runWhen: (upstreams) => {
      seen.push(...upstreams.map(({ taskName, state, error }) => [taskName, state.name, error]));
      return false;
    },
  });
  expectTypeOf(alert).returns.toEqualTypeOf<Promise<string | undefined>>();
  expect(await alert.submit(double.submit(1))).toBeUndefined();
  expect(seen).toEqual([["double", "Completed", undefined]]);
});

test("a rule that is none is refused when it is given", () => {
  expect(() => double.with({ runWhen: "sometimes" as never })).toThrow(
    'runWhen of task "double" is sometimes; it must be all-completed, all-done, any-failed or a function',
  );
});

test("a future that fails unobserved is recorded and warned of; the flow completes", async () => {
  const { host, outcome } = await recorded(async () => {
    void broken.submit();
    const heeded = broken.with({ name: "heeded" }).submit();
    await new Promise((resolve) => setImmediate(resolve));
    await heeded.catch(() => undefined);
  });
  expect(outcome).toEqual({ outcome: "completed" });
  expect(host.trail("broken")).toEqual(["Running#1", "Failed#1"]);
  expect(host.trail("heeded")).toEqual(["Running#1", "Failed#1"]);
  expect(host.logs).toMatchObject([
    { level: "warn", text: 'task "broken" failed, and nothing awaits its future' },
  ]);
});

test("outside a flow an unobserved failure is printed, and nothing rejects", async () => {
  const printed = vi.spyOn(process.stderr, "write").mockReturnValue(true);
  try {
    void broken.submit();
    await vi.waitFor(() => expect(printed).toHaveBeenCalled());
    expect(printed.mock.calls[0]?.[0]).toContain('warn  script: task "broken" failed');
  } finally {
    printed.mockRestore();
  }
});

test("a task that awaits its own future is told so instead of waiting for ever", async () => {
  const futures: TaskFuture<string>[] = [];
  const selfish = task({ name: "selfish" }, async () => `got ${await futures[0]}`);
  futures.push(selfish.submit());
  await expect(futures[0]).rejects.toMatchObject({
    code: "future_cyclic",
    message: 'task "selfish" waits for task "selfish", which is itself',
  });
});

test("tasks that await each other's futures are told so, also through tasks they call", async () => {
  const futures: Record<string, TaskFuture<unknown>> = {};
  const inner = task({ name: "inner" }, async (): Promise<unknown> => await futures["one"]);
  const one = task({ name: "one" }, async (): Promise<unknown> => await futures["two"]);
  const two = task({ name: "two" }, async (): Promise<unknown> => await inner());
  futures["one"] = one.submit();
  futures["two"] = two.submit();
  await expect(futures["one"]).rejects.toMatchObject({ code: "future_cyclic" });
});

test("awaiting one after the other, and twice, is no cycle", async () => {
  const shared = double.submit(1);
  const reader = task({ name: "reader" }, async () => (await shared) + (await shared));
  expect(await Promise.all([reader.submit(), reader.submit(), reader()])).toEqual([4, 4, 4]);
});

test("what waits for an upstream ends as cancelled with its run", async () => {
  const host = new RecordingHost("recorded");
  const never = new Promise<void>(() => {});
  const { outcome } = await recorded(async () => {
    setImmediate(() => host.controller.abort());
    await double.with({ after: [never] })(1);
  }, host);
  expect(outcome).toEqual({ outcome: "cancelled" });
  expect(host.trail("double")).toEqual(["Pending#1", "Cancelled#1"]);
});

test("a recursion without end is refused by name", async () => {
  const deeper = task({ name: "deeper" }, async (): Promise<void> => deeper());
  await expect(deeper()).rejects.toMatchObject({
    code: "recursion_too_deep",
    message: 'task "deeper" was called 1000 tasks deep; does it call itself without end?',
  });
});

test("a flow's concurrency holds for submitted tasks, and a task shares its place with what it calls", async () => {
  let [running, most] = [0, 0];
  const leaf = task({ name: "leaf" }, async () => {
    most = Math.max(most, (running += 1));
    await new Promise((resolve) => setImmediate(resolve));
    running -= 1;
  });
  const branch = task({ name: "branch" }, async () => leaf());
  const host = new RecordingHost("limited");
  const limited = flow({ name: "limited", concurrency: 2 }, async () => {
    await Promise.all([1, 2, 3, 4, 5].map(() => branch.submit()));
  });
  expect(await limited[FLOW].execute({}, host)).toEqual({ outcome: "completed" });
  expect(most).toBe(2);
  expect(host.trail("branch").filter((it) => it === "AwaitingConcurrencySlot#1")).toHaveLength(3);
});

test("a retry gives its place up while it waits", async () => {
  const timers = new ManualTimers();
  const order: string[] = [];
  const flaky = task({ name: "flaky", retries: 1, retryDelay: 60_000 }, async (name: string) => {
    order.push(name);
    if (order.length === 1) throw new Error("once");
  });
  const limited = flow({ name: "limited", concurrency: 1 }, async () => {
    await Promise.all([flaky("a"), flaky("b")]);
  });
  await timers.settle(withTimers(timers, () => limited()));
  expect(order).toEqual(["a", "b", "a"]);
});
