import { rmSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { FLOW } from "../flow-definition.ts";
import { withTimers } from "../frame.ts";
import { byCode, byInputs, byKey, byRun, flow, task } from "../index.ts";
import { attempt } from "../results/attempt.fixture.ts";
import { makeScratch, type Scratch } from "../results/scratch.fixture.ts";
import { ManualTimers } from "../testing/manual-timers.ts";
import { RecordingHost } from "../testing/recording-host.ts";

let { directory, storage, calls } = {} as Scratch;
beforeEach(() => {
  const scratch = makeScratch();
  ({ directory, storage, calls } = scratch);
  return scratch.remove;
});

describe("cache", () => {
  const square = async (n: number) => {
    calls.push(n);
    return n * n;
  };

  it("gives every run the value that one of them made, with the key's digest for the record", async () => {
    const cached = task({ name: "square", cache: { storage } }, square);
    const first = await attempt(() => cached(4));
    const second = await attempt(() => cached(4));
    expect(await cached(4)).toBe(16);
    expect(calls).toEqual([4]);
    const [made, found] = [first, second].map(({ host }) => host.taskRuns("square").at(-1));
    expect(made?.state.name).toBe("Completed");
    expect(found?.state.name).toBe("Cached");
    expect(found?.cacheKey).toMatch(/^[0-9a-f]{64}$/);
    expect(found?.cacheKey).toBe(made?.cacheKey);
    expect(await cached(5)).toBe(25);
  });

  it("tells calls apart by the policy: inputs, code, run, a key of one's own, and their composition", async () => {
    const byWhat = (key: ReturnType<typeof byInputs>, fn = square) =>
      task({ name: "square", cache: { storage, key } }, fn);
    const otherCode = async (n: number) => {
      calls.push("other");
      return n;
    };
    await byWhat(byInputs())(1);
    expect(await byWhat(byInputs(), otherCode)(1)).toBe(1);
    expect(calls).toEqual([1]);
    await byWhat(byInputs().and(byCode()))(1);
    await byWhat(byInputs().and(byCode()), otherCode)(1);
    expect(calls).toEqual([1, 1, "other"]);
    const parity = byWhat(byKey((n: number) => n % 2));
    expect(await parity(3)).toBe(9);
    expect(await parity(5)).toBe(9);
    const perRun = byWhat(byInputs().and(byRun()));
    calls = [];
    await attempt(async () => [await perRun(7), await perRun(7)]);
    await attempt(async () => perRun(7)); // the same run, again
    expect(calls).toEqual([7]);
    await flow({ name: "another" }, async () => perRun(7))();
    expect(calls).toEqual([7, 7]);
  });

  it("makes the value anew when its time is over, or when asked to", async () => {
    const timers = new ManualTimers();
    let isStale = false;
    const cached = task(
      { name: "t", cache: { storage, ttlMs: 1_000, refresh: () => isStale } },
      square,
    );
    const call = () => withTimers(timers, () => cached(2));
    const at = (ms: number) => new Promise<void>((resolve) => timers.after(ms, resolve));
    await call();
    await timers.settle(at(999));
    await call();
    expect(calls).toHaveLength(1);
    await timers.settle(at(1));
    await call();
    expect(calls).toHaveLength(2);
    isStale = true;
    await call();
    isStale = false;
    await call();
    expect(calls).toHaveLength(3);
  });

  it("lets one of many callers make the value, and the next when that one fails", async () => {
    let failures = 2;
    const slow = task({ name: "slow", cache: { storage } }, async () => {
      calls.push("call");
      await new Promise((resolve) => setTimeout(resolve, 20));
      if ((failures -= 1) >= 0) throw new Error("failed");
      return "made";
    });
    const host = await attempt(() => Promise.allSettled([1, 2, 3, 4, 5, 6].map(() => slow())));
    expect(calls).toHaveLength(3);
    const ends = host.host.taskRuns("slow").filter(({ endedAt }) => endedAt !== undefined);
    expect(ends.map(({ state }) => state.name).toSorted()).toEqual([
      "Cached",
      "Cached",
      "Cached",
      "Completed",
      "Failed",
      "Failed",
    ]);
    expect(host.host.taskRuns("slow").map(({ state }) => state.name)).toContain(
      "AwaitingConcurrencySlot",
    );
  });

  it("takes over from a holder that fell silent, once its lease is over", async () => {
    const lock = await storage.lock("never-renewed", 1_000);
    const stuck = {
      ...storage,
      lock: (_: string, leaseMs: number) => storage.lock("never-renewed", leaseMs),
    };
    const cached = task({ name: "t", cache: { storage: stuck, leaseMs: 1_000 } }, square);
    const startedAt = performance.now();
    expect(await cached(3)).toBe(9);
    expect(performance.now() - startedAt).toBeGreaterThan(500);
    await lock?.release();
  });

  it("stops waiting for another's value when its run is cancelled", async () => {
    const lock = await storage.lock("held", 60_000);
    const stuck = {
      ...storage,
      lock: (_: string, leaseMs: number) => storage.lock("held", leaseMs),
    };
    const cached = task({ name: "t", cache: { storage: stuck } }, square);
    const host = new RecordingHost("f");
    const outcome = flow({ name: "f" }, () => cached(1))[FLOW].execute({}, host);
    await expect.poll(() => host.trail("t")).toEqual(["AwaitingConcurrencySlot#1"]);
    host.controller.abort(new Error("cancelled"));
    expect(await outcome).toEqual({ outcome: "cancelled" });
    expect(host.trail("t").at(-1)).toBe("Cancelled#0");
    await lock?.release();
  });

  it("does not wait for itself when a task calls itself with the same key", async () => {
    const recursive: (depth: number) => Promise<number> = task(
      { name: "r", cache: { storage, key: byKey(() => "same") } },
      async (depth: number) => (calls.push(depth) < 3 ? recursive(depth + 1) : depth),
    );
    expect(await recursive(0)).toBe(2);
  });

  it("makes the value without a lock when the storage gives none, and says so", async () => {
    const broken = { ...storage, lock: () => Promise.reject(new Error("no locks here")) };
    const cached = task({ name: "t", cache: { storage: broken } }, square);
    const { host, outcome } = await attempt(() => cached(2));
    expect(outcome.outcome).toBe("completed");
    expect(host.logs[0]?.text).toContain("could not be locked");
  });

  it("outlives the cache's value within a run that also persists", async () => {
    const both = task({ name: "t", cache: { storage }, persist: { storage } }, square);
    await flow({ name: "before" }, () => both(3))();
    await attempt(() => both(3));
    rmSync(join(directory, "cache"), { recursive: true });
    await attempt(() => both(3));
    expect(calls).toEqual([3]);
  });

  it("refuses numbers that cannot work when the task is defined", () => {
    expect(() => task({ name: "t", cache: { ttlMs: 0 } }, square)).toThrow(
      'task "t": cache.ttlMs is 0; it takes a number from 1',
    );
    expect(() => task({ name: "t", persist: { maxBytes: Number.NaN } }, square)).toThrow(
      "maxBytes",
    );
    const promised = task({ name: "t", cache: { key: byKey(async () => 1) } }, square);
    return expect(promised(1)).rejects.toThrow("byKey() was given an async function");
  });
});
