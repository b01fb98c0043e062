import { expect, expectTypeOf, test } from "vitest";
import { FLOW } from "./flow-definition.ts";
import { withTimers } from "./frame.ts";
import { flow, runContext, task } from "./index.ts";
import { ManualTimers } from "./testing/manual-timers.ts";
import { RecordingHost } from "./testing/recording-host.ts";

const pages = task({ name: "pages" }, async function* (upTo: number) {
  for (let page = 1; page <= upTo; page += 1) yield `page ${page}`;
  return upTo;
});

test("items stream to the caller, and the task lasts until the last one", async () => {
  const host = new RecordingHost("reading");
  const trails: number[] = [];
  const seen: string[] = [];
  const reading = flow({ name: "reading" }, async () => {
    for await (const page of pages(3)) {
      expectTypeOf(page).toEqualTypeOf<string>();
      seen.push(page);
      trails.push(host.trail("pages").length);
    }
  });
  expect(await reading[FLOW].execute({}, host)).toEqual({ outcome: "completed" });
  expect(seen).toEqual(["page 1", "page 2", "page 3"]);
  expect(trails).toEqual([1, 1, 1]);
  expect(host.trail("pages")).toEqual(["Running#1", "Completed#1"]);
});

test("a task produces no further than it is read, and ends when its reader leaves", async () => {
  const log: string[] = [];
  const eager = task({ name: "eager" }, async function* () {
    try {
      for (let n = 1; ; n += 1) {
        log.push(`made ${n}`);
        yield n;
      }
    } finally {
      log.push("cleaned up");
    }
  });
  for await (const n of eager()) if (n === 2) break;
  expect(log).toEqual(["made 1", "made 2", "cleaned up"]);
});

test("a synchronous generator streams too; its return value comes last", async () => {
  const counting = task({ name: "counting" }, function* (n: number) {
    yield n;
    return "end";
  });
  const stream = counting(1);
  expectTypeOf(stream).toEqualTypeOf<AsyncGenerator<number, string, void>>();
  expect([await stream.next(), await stream.next(), await stream.next()]).toEqual([
    { done: false, value: 1 },
    { done: true, value: "end" },
    { done: true, value: undefined },
  ]);
});

test("submitted or mapped, a stream brings the list of its items", async () => {
  const future = pages.submit(2);
  expectTypeOf(await future).toEqualTypeOf<string[]>();
  expect(await future).toEqual(["page 1", "page 2"]);
  expect(await pages.map([1, 2])).toEqual([["page 1"], ["page 1", "page 2"]]);
});

test("it is retried until the first item is out, and then no more", async () => {
  let attempts = 0;
  const flaky = task({ name: "flaky", retries: 5, retryDelay: 0 }, async function* () {
    attempts += 1;
    if (attempts === 1) throw new Error("before the first");
    yield "first";
    throw new Error("after the first");
  });
  const seen: string[] = [];
  const read = async () => {
    for await (const item of flaky()) seen.push(item);
  };
  await expect(read()).rejects.toThrow("after the first");
  expect([attempts, seen]).toEqual([2, ["first"]]);
});

test("a timeout reaches the reader, and stops a generator that heeds its signal", async () => {
  const timers = new ManualTimers();
  const slow = task({ name: "slow", timeoutMs: 1_000 }, async function* () {
    yield 1;
    const { signal } = runContext();
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    yield 2;
  });
  const seen: number[] = [];
  const read = async () => {
    for await (const n of slow()) seen.push(n);
  };
  await expect(timers.settle(withTimers(timers, read))).rejects.toThrow("timeoutMs of 1000");
  expect(seen).toEqual([1]);
});

test("a stream that nobody reads to its end is closed when the flow returns", async () => {
  const host = new RecordingHost("leaving");
  const leaving = flow({ name: "leaving" }, async () => {
    expect(await pages(9).next()).toEqual({ done: false, value: "page 1" });
  });
  expect(await leaving[FLOW].execute({}, host)).toEqual({ outcome: "completed" });
  expect(host.trail("pages")).toEqual(["Running#1", "Completed#1"]);
});

test("a stream that nobody reads never starts", async () => {
  const host = new RecordingHost("idle");
  const idle = flow({ name: "idle" }, async () => void pages(9));
  await idle[FLOW].execute({}, host);
  expect(host.events).toEqual([]);
});

test("a plain function that returns a generator is told to be one", async () => {
  const passing = task({ name: "passing" }, (n: number) => pages(n));
  const call = passing(1) as unknown as Promise<unknown>;
  await expect(call).rejects.toThrow('task "passing" returned a generator; write it as one itself');
});
