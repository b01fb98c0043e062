import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, expectTypeOf, test } from "vitest";
import { FLOW } from "./flow-definition.ts";
import { flow, task, unmapped } from "./index.ts";
import { RecordingHost } from "./testing/recording-host.ts";

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
const double = task({ name: "double" }, async (n: number) => n * 2);
const list = task({ name: "list" }, async () => [1, 2, 3]);

test("map brings results in the order of the items, so many at a time", async () => {
  let [running, most] = [0, 0];
  const slow = task({ name: "slow" }, async (n: number) => {
    most = Math.max(most, (running += 1));
    for (let turns = n % 3; turns >= 0; turns -= 1) await turn();
    running -= 1;
    return `#${n}`;
  });
  const results = slow.map([0, 1, 2, 3, 4, 5, 6], { concurrency: 3 });
  expectTypeOf(await results).toEqualTypeOf<string[]>();
  expect(await results).toEqual(["#0", "#1", "#2", "#3", "#4", "#5", "#6"]);
  expect(most).toBe(3);
  expect(results.state).toEqual({ type: "COMPLETED", name: "Completed" });
});

test("unmapped values, plain values, futures, further lists and iterables go with each item", async () => {
  const tell = task(
    { name: "tell" },
    (item: number, unit: string, tags: readonly string[], by: number) =>
      `${item * by}${unit} ${tags.join()}`,
  );
  const results = await tell.map(new Set([1, 2]), "km", unmapped(["a", "b"]), double.submit(5), {
    concurrency: 1,
  });
  expect(results).toEqual(["10km a,b", "20km a,b"]);
  expect(await tell.map([1, 2], ["m", "km"], [["x"], ["y"]], [1, 2])).toEqual(["1m x", "4km y"]);
  expect(await double.map([double.submit(1), 10])).toEqual([4, 20]);
  // @ts-expect-error an object goes with each item only when it says so
  await expect(double.map([1], { step: 1 })).rejects.toThrow("marked with unmapped()");
});

test("edges lead from a list's task to each call, and from a map to what takes its results", async () => {
  const total = task({ name: "total" }, (all: readonly number[]) => all.length);
  const host = new RecordingHost("graph");
  const graph = flow({ name: "graph" }, async () => total.submit(double.map(list.submit())));
  await graph[FLOW].execute({}, host);
  const [listed] = host.taskRuns("list");
  const doubled = host.taskRuns("double").filter(({ state }) => state.type === "COMPLETED");
  expect(doubled.map(({ upstream }) => upstream)).toEqual([0, 1, 2].map(() => [listed?.taskRunId]));
  expect(new Set(host.taskRuns("total").at(-1)?.upstream)).toEqual(
    new Set(doubled.map(({ taskRunId }) => taskRunId)),
  );
});

test("one failing item fails the map, after every item had its turn", async () => {
  const seen: number[] = [];
  const picky = task({ name: "picky" }, async (n: number) => {
    seen.push(n);
    if (n % 2 === 0) throw new RangeError(`even ${n}`);
  });
  const host = new RecordingHost("picky-flow");
  const all = flow({ name: "picky-flow" }, () => picky.map([1, 2, 3, 4]));
  const outcome = await all[FLOW].execute({}, host);
  expect(seen).toEqual([1, 2, 3, 4]);
  expect(outcome).toMatchObject({ outcome: "failed", error: { message: "even 2" } });
  expect(host.logs).toMatchObject([
    { text: '2 of 4 calls in the map of task "picky" failed; this is the first' },
  ]);
});

test("a map over a list whose task failed does not run", async () => {
  const none = task({ name: "none" }, async (): Promise<number[]> => {
    throw new Error("no list");
  });
  const host = new RecordingHost("mapping");
  const mapping = flow({ name: "mapping" }, () => double.map(none.submit()));
  expect(await mapping[FLOW].execute({}, host)).toMatchObject({
    error: { class: "UpstreamFailed", cause: { message: "no list" } },
  });
  expect(host.trail("double")).toEqual(["UpstreamFailed#1"]);
});

test("cancelling stops a map from starting more", async () => {
  const host = new RecordingHost("stopped");
  let calls = 0;
  const step = task({ name: "step" }, async (n: number) => {
    calls += 1;
    if (n === 2) host.controller.abort();
    await turn();
  });
  const stopped = flow({ name: "stopped" }, () =>
    step.map(
      Array.from({ length: 1_000 }, (_, n) => n),
      { concurrency: 1 },
    ),
  );
  expect(await stopped[FLOW].execute({}, host)).toEqual({ outcome: "cancelled" });
  expect(calls).toBe(3);
});

test("an item that awaits its own map is told so", async () => {
  const results: unknown[] = [];
  const selfish = task({ name: "selfish" }, async (n: number) => [
    n,
    await (results[0] as Promise<unknown>),
  ]);
  results.push(selfish.map([1, 2]));
  await expect(results[0]).rejects.toMatchObject({ code: "future_cyclic" });
});

test.each([
  [() => double.map([1], { concurrency: 0 }), 'concurrency of the map of task "double" is 0'],
  [() => double.map(7 as never), "was given no list"],
  [
    () => double.map({ step: 1 } as never),
    "an object that is neither a list nor marked with unmapped()",
  ],
  [() => double.map([1, 2], [3] as never), "lists of different lengths: 2, 1"],
])("a map that cannot work says why (%#)", async (map, message) => {
  await expect(async () => map()).rejects.toThrow(message);
});

test("a map of 100,000 items keeps nothing of those that have ended but their results", async () => {
  const items = Array.from({ length: 100_000 }, (_, n) => n);
  const used = () => {
    collectGarbage();
    return process.memoryUsage().heapUsed;
  };
  const held: number[] = [];
  let before = 0;
  const probe = task({ name: "probe" }, async (n: number) => {
    if (n === 1_000) before = used();
    if (n % 33_000 === 32_999) held.push(used() - before);
    return n;
  });
  const host = new CountingHost();
  const mapping = flow({ name: "mapping" }, async () => {
    expect(await probe.map(items, { concurrency: 10 })).toEqual(items);
  });
  expect(await mapping[FLOW].execute({}, host)).toEqual({ outcome: "completed" });
  expect(host.count).toBe(200_000);
  // A promise or a record for each of 98,000 items would be ten megabytes at the very least.
  expect(Math.max(...held)).toBeLessThan(4_000_000);
});

const collectGarbage = (() => {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
})();

class CountingHost extends RecordingHost {
  count = 0;

  constructor() {
    super("counting");
  }

  override event(): void {
    this.count += 1;
  }
}
