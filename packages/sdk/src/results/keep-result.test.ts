import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { FLOW } from "../flow-definition.ts";
import { byKey, flow, task, transaction } from "../index.ts";
import { RecordingHost } from "../testing/recording-host.ts";
import { attempt } from "./attempt.fixture.ts";
import { makeScratch, type Scratch } from "./scratch.fixture.ts";

let { directory, storage, calls } = {} as Scratch;
beforeEach(() => {
  const scratch = makeScratch();
  ({ directory, storage, calls } = scratch);
  return scratch.remove;
});

describe("persist", () => {
  const aTask = (name = "work") =>
    task({ name, persist: { storage } }, async (input: unknown) => {
      calls.push(input);
      return { made: calls.length, from: input };
    });

  it("gives another attempt of the run what was kept, and reports it as cached", async () => {
    const work = aTask();
    const results: unknown[] = [];
    const body = async () => void results.push(await work({ day: new Date(0) }));
    const first = await attempt(body);
    const second = await attempt(body);
    expect(calls).toHaveLength(1);
    expect(results[1]).toEqual(results[0]);
    expect(first.host.trail("work")).toEqual(["Running#1", "Completed#1"]);
    expect(second.host.trail("work")).toEqual(["Cached#0"]);
    const [completed, cached] = [first, second].map(({ host }) => host.taskRuns("work").at(-1));
    expect(completed?.result).toEqual({
      location: expect.stringMatching(`^file://${directory}/runs/[0-9a-f-]+/0/[0-9a-f]{64}$`),
      serializer: "json",
      bytes: expect.any(Number),
    });
    expect(cached?.result).toEqual(completed?.result);
    expect(cached).toMatchObject({ startedAt: expect.any(String), endedAt: expect.any(String) });
  });

  it("keeps what was kept before a retry from the start out of it", async () => {
    const work = aTask();
    const body = () => work("same");
    await attempt(body);
    await attempt(body, 2);
    await attempt(body, 2);
    expect(calls).toHaveLength(2);
  });

  it("tells calls apart by inputs and, among equal ones, by order, so a changed loop finds what still fits", async () => {
    const work = aTask();
    const over = (items: unknown[]) => async () => {
      for (const item of items) await work(item);
    };
    await attempt(over(["a", "b", "b"]));
    expect(calls).toEqual(["a", "b", "b"]);
    await attempt(over(["new", "b", "a", "b", "b"]));
    expect(calls).toEqual(["a", "b", "b", "new", "b"]);
    await attempt(() => aTask("other")("a"));
    expect(calls).toHaveLength(6);
  });

  it("also serves a flow that retries in its own process", async () => {
    const work = aTask();
    const outer = flow({ name: "outer", retries: 1, retryDelay: 1 }, async () => {
      await work("once");
      if (calls.push("body") < 3) throw new Error("again");
    });
    await outer();
    expect(calls).toEqual(["once", "body", "body"]);
  });

  it("does not keep a failure, and keeps what a retry of the task made", async () => {
    const shaky = task(
      { name: "shaky", retries: 1, retryDelay: 1, persist: { storage } },
      async () => {
        if (calls.push("call") < 2) throw new Error("not yet");
        return "made";
      },
    );
    const body = () => shaky();
    expect((await attempt(body)).outcome.outcome).toBe("completed");
    await attempt(body);
    expect(calls).toHaveLength(2);
  });

  it("fails a task whose result cannot be kept, naming the path, without calling it again", async () => {
    const bad = task({ name: "bad", retries: 3, retryDelay: 1, persist: { storage } }, async () => {
      calls.push("call");
      return { rows: [{ parse: () => 1 }] };
    });
    const { host, outcome } = await attempt(() => bad());
    expect(outcome).toMatchObject({
      outcome: "failed",
      error: {
        message: 'the result of task "bad" cannot be kept: $.rows[0].parse is a function',
      },
    });
    expect(host.trail("bad")).toEqual(["Running#1", "Failed#1"]);
    expect(calls).toHaveLength(1);
  });

  it("fails a task whose result is enormous, naming the size", async () => {
    const big = task({ name: "big", persist: { storage, maxBytes: 1_000 } }, async () =>
      "x".repeat(2_000),
    );
    await expect(flow({ name: "f" }, () => big())()).rejects.toMatchObject({
      code: "result_too_large",
      message: 'the result of task "big" takes more than 1000 bytes; its maxBytes is 1000',
    });
  });

  it("makes again what lies there damaged, and what the storage will not take, and says so", async () => {
    const work = aTask();
    const body = () => work("x");
    const { host } = await attempt(body);
    const { location = "" } = host.taskRuns("work").at(-1)?.result ?? {};
    writeFileSync(new URL(location), "not an entry");
    const again = await attempt(body);
    expect(calls).toHaveLength(2);
    expect(again.host.logs).toMatchObject([
      { level: "warn", text: "a kept result could not be read; it is made again" },
    ]);
    const full = { ...storage, put: () => Promise.reject(new Error("disk full")) };
    const unkept = task({ name: "unkept", persist: { storage: full } }, async () => 1);
    const third = await attempt(() => unkept());
    expect(third.outcome.outcome).toBe("completed");
    expect(third.host.logs).toMatchObject([{ level: "warn", text: "a result was not kept" }]);
    expect(third.host.taskRuns("unkept").at(-1)).not.toHaveProperty("result");
  });

  it("does not keep a call whose inputs cannot be compared, unless it is told how", async () => {
    class Client {}
    const fetchOne = async (_: Client, id: number) => calls.push(id);
    const plain = task({ name: "plain", persist: { storage } }, fetchOne);
    const keyed = task(
      { name: "keyed", persist: { storage, key: byKey((_: Client, id: number) => id) } },
      fetchOne,
    );
    const body = async () => {
      await plain(new Client(), 1);
      await keyed(new Client(), 2);
    };
    const { host } = await attempt(body);
    await attempt(body);
    expect(calls).toEqual([1, 2, 1]);
    expect(host.logs[0]?.text).toContain('task "plain" is not kept: its inputs cannot be compared');
    expect(host.logs[0]?.text).toContain("$[1][0] is an instance of Client");
  });

  it("forgets what a transaction rolled back, before its hook undoes the effects", async () => {
    const book = task(
      {
        name: "book",
        persist: { storage },
        cache: { storage },
        onRollback: () => calls.push(kept()),
      },
      async () => calls.push("book"),
    );
    const kept = () => ["runs", "cache"].flatMap((part) => filesIn(join(directory, part))).length;
    const body = () =>
      transaction(async () => {
        await book();
        if (calls.length < 3) throw new Error("the hotel is full");
      });
    expect((await attempt(body)).outcome.outcome).toBe("failed");
    expect(calls).toEqual(["book", 0]);
    expect((await attempt(body)).outcome.outcome).toBe("completed");
    await attempt(body);
    expect(calls).toEqual(["book", 0, "book"]);
    expect(kept()).toBe(2);
  });

  it("keeps what a flow returns: its run is complete without calling it again", async () => {
    const kept = flow({ name: "kept", persist: { storage } }, async (input: object) => {
      calls.push(input);
      return { size: 3 };
    });
    const host = new RecordingHost("kept");
    const first = await kept[FLOW].execute({ day: 1 }, host);
    expect(first).toMatchObject({ outcome: "completed", result: { serializer: "json" } });
    expect(await kept[FLOW].execute({ day: 1 }, host)).toEqual(first);
    expect(calls).toEqual([{ day: 1 }]);
    const outer = () => kept({ day: 1 });
    const inline = await attempt(outer);
    expect(inline.host.trail("kept")).toEqual(["Running#1", "Completed#1"]);
    expect((await attempt(outer)).host.trail("kept")).toEqual(["Cached#0"]);
  });

  it("keeps the list of what a generator yields where nobody reads along", async () => {
    const lines = task({ name: "lines", persist: { storage } }, async function* () {
      calls.push("begin");
      yield* ["a", "b"];
    });
    const body = async () => {
      const read: string[] = [];
      for await (const line of lines()) read.push(line);
      expect(await lines.submit()).toEqual(read);
    };
    expect((await attempt(body)).outcome.outcome).toBe("completed");
    await attempt(body);
    expect(calls).toHaveLength(3);
  });

  it("keeps nothing outside a flow", async () => {
    await aTask()("alone");
    expect(readdirSync(directory)).toEqual([]);
  });
});

function filesIn(path: string): string[] {
  const entries = readdirSync(path, { recursive: true, withFileTypes: true });
  return entries.flatMap((entry) => (entry.isFile() ? entry.name : []));
}
