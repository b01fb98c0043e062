import { pbkdf2 } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { afterEach, expect, expectTypeOf, test, vi } from "vitest";
import { z } from "zod";
import { flow, log, pause, runContext, suspend, task } from "../index.ts";
import { testFlow, withVirtualTime } from "./index.ts";

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

test("an hour of backoff passes at once; the report tells states, attempts and times", async () => {
  let failures = 2;
  const load = task(
    { name: "load", retries: 3, retryDelay: [600_000, 3_000_000] },
    async (n: number) => {
      log.info("loading", { n });
      if (failures-- > 0) throw new RangeError("not there yet");
      return { rows: n };
    },
  );
  const save = task({ name: "save" }, async ({ rows }: { rows: number }) => rows);
  const daily = flow({ name: "daily" }, async (n: number) => save(await load(n)));

  const began = performance.now();
  const run = await testFlow(() => daily(7));
  // A machine that is busy with other things takes its time; an hour it is not.
  expect(performance.now() - began).toBeLessThan(10_000);

  expectTypeOf(run.result).toEqualTypeOf<number | undefined>();
  expect(run).toMatchObject({
    state: { type: "COMPLETED", name: "Completed" },
    result: 7,
    error: undefined,
    attempts: 1,
    elapsedMs: 3_600_000,
  });
  expect(run.taskRuns.map((it) => it.taskName)).toEqual(["load", "save"]);
  expect(run.taskRunsOf("load")).toEqual([
    {
      taskName: "load",
      index: 0,
      state: { type: "COMPLETED", name: "Completed" },
      states: ["Running", "AwaitingRetry", "Retrying", "AwaitingRetry", "Retrying", "Completed"],
      attempts: 3,
      startedAtMs: 0,
      endedAtMs: 3_600_000,
      upstream: [],
      error: expect.objectContaining({ class: "RangeError", message: "not there yet" }),
    },
  ]);
  expect(run.taskRunsOf("save")).toMatchObject([{ upstream: ["load#0"], startedAtMs: 3_600_000 }]);
  expect(run.logs.map(({ text, fields }) => [text, fields])).toEqual(
    Array.from({ length: 3 }, () => ["loading", { n: 7 }]),
  );
});

test("a failing flow is reported with exactly what it threw; its own retries count", async () => {
  const thrown = new TypeError("broken");
  const broken = flow({ name: "broken", retries: 2, retryDelay: 1_000 }, async () => {
    throw thrown;
  });
  const run = await testFlow(() => broken());
  expect(run).toMatchObject({
    state: { type: "FAILED", name: "Failed" },
    attempts: 3,
    elapsedMs: 2_000,
  });
  expect(run.error).toBe(thrown);
});

test("refused parameters are a failed run", async () => {
  const typed = flow({ name: "typed", parameters: z.object({ n: z.int() }) }, ({ n }) => n);
  const run = await testFlow(() => typed({ n: 1.5 }));
  expect(run.state).toEqual({ type: "FAILED", name: "Failed" });
  expect(String(run.error)).toContain('flow "typed" refuses its parameters: n:');
});

test("a time limit is reached by the clock, whatever the code awaits", async () => {
  const deaf = flow({ name: "deaf", timeoutMs: 60_000 }, () => new Promise<void>(() => {}));
  const run = await testFlow(() => deaf());
  expect(run.state).toEqual({ type: "FAILED", name: "TimedOut" });
  expect(run.elapsedMs).toBeGreaterThanOrEqual(60_000);
});

test("real timers and real replies hold the clock still: no time limit is reached by waiting for them", async () => {
  const server = createServer((_, response) => setTimeout(() => response.end("pong"), 40));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const ping = task({ name: "ping", timeoutMs: 1_000 }, async () => {
    await delay(30);
    return (await fetch(url, { signal: runContext().signal })).text();
  });
  const pinging = flow({ name: "pinging" }, () => ping());
  const run = await testFlow(() => pinging());
  server.closeAllConnections();
  server.close();
  expect(run).toMatchObject({ result: "pong", elapsedMs: 0 });
});

const approve = z.object({ approved: z.boolean() });

test("pause() is given its input where it waits", async () => {
  let calls = 0;
  const asking = flow({ name: "asking" }, async () => {
    calls += 1;
    return (await pause({ key: "go", input: approve })).approved;
  });
  const run = await testFlow(() => asking(), { inputs: { go: { approved: true } } });
  expect([run.result, run.attempts, calls]).toEqual([true, 1, 1]);
});

test("after suspend() the function begins again from the top", async () => {
  const steps: string[] = [];
  const before = task({ name: "before" }, async () => void steps.push("before"));
  const asking = flow({ name: "asking" }, async () => {
    await before();
    const { approved } = await suspend({ key: "go", input: approve });
    steps.push("after");
    return approved;
  });
  const run = await testFlow(() => asking(), { inputs: { go: { approved: false } } });
  expect(steps).toEqual(["before", "before", "after"]);
  expect([run.result, run.attempts, run.taskRunsOf("before").length]).toEqual([false, 2, 2]);
});

test.each([
  [pause, "Paused"],
  [suspend, "Suspended"],
])("without an input for it, the run is reported as waiting (%o)", async (wait, name) => {
  const asking = flow({ name: "asking" }, () => wait({ key: "go", input: approve }));
  const run = await testFlow(() => asking());
  expect(run).toMatchObject({
    state: { type: "PAUSED", name },
    waitingAt: "go",
    result: undefined,
  });
});

test.each([pause, suspend])(
  "nobody in time ends it, or goes on with null, as asked (%o)",
  async (wait) => {
    const impatient = flow({ name: "impatient" }, () =>
      wait({ key: "go", timeoutSeconds: 86_400 }),
    );
    const failed = await testFlow(() => impatient());
    expect(failed.state).toEqual({ type: "FAILED", name: "TimedOut" });
    expect(failed.elapsedMs).toBe(86_400_000);
    const lenient = flow({ name: "lenient" }, () =>
      wait({ key: "go", input: approve, timeoutSeconds: 60, onTimeout: "resume" }),
    );
    expect(await testFlow(() => lenient())).toMatchObject({ result: null, elapsedMs: 60_000 });
  },
);

const stubborn = flow({ name: "stubborn" }, async () => {
  const failing = task({ name: "failing", retries: 9, retryDelay: 60_000 }, () => {
    throw new Error("again");
  });
  await failing();
});

test("a run is cancelled at a point: in the second backoff", async () => {
  const run = await testFlow(() => stubborn(), {
    cancelWhen: (event) =>
      event.kind === "task_run" && event.state.name === "AwaitingRetry" && event.attempt === 2,
  });
  expect(run.state).toEqual({ type: "CANCELLED", name: "Cancelled" });
  expect(run.taskRunsOf("failing")[0]?.states.slice(-2)).toEqual(["AwaitingRetry", "Cancelled"]);
  expect(run.elapsedMs).toBe(60_000);
});

test("a run is cancelled at a time", async () => {
  const run = await testFlow(() => stubborn(), { cancelAfterMs: 90_000 });
  expect([run.state.name, run.elapsedMs]).toEqual(["Cancelled", 90_000]);
});

test("chance and the first moment are the test's", async () => {
  const shaky = flow({ name: "shaky", retries: 1 }, async () => {
    throw new Error("no");
  });
  const run = await testFlow(() => shaky(), {
    startAt: new Date("2030-05-05T00:00:00Z"),
    random: () => 0,
  });
  expect(run.elapsedMs).toBe(800);
  const said = flow({ name: "said" }, () => log.info("now"));
  expect((await testFlow(() => said(), { startAt: new Date(0) })).logs[0]?.at).toBe(
    "1970-01-01T00:00:00.000Z",
  );
});

test("nothing is recorded and nothing printed, whatever profile is in force", async () => {
  vi.stubEnv("DOWNBEAT_API_URL", "http://127.0.0.1:1");
  vi.stubEnv("DOWNBEAT_API_KEY", "dnb_test");
  const printed = vi.spyOn(process.stderr, "write");
  const speaking = flow({ name: "speaking" }, () => log.warn("psst"));
  expect((await testFlow(() => speaking())).logs).toMatchObject([{ level: "warn", text: "psst" }]);
  expect(printed).not.toHaveBeenCalled();
});

test("work in the thread pool, and a reply on a connection from before, hold the clock still too", async () => {
  const server = createServer((_, response) => setTimeout(() => response.end("pong"), 5));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await (await fetch(url)).text();
  const busy = task({ name: "busy", timeoutMs: 1_000 }, async () => {
    await promisify(pbkdf2)("a", "b", 50_000, 64, "sha512");
    return (await fetch(url)).text();
  });
  const run = await testFlow(() => flow({ name: "working" }, () => busy())());
  server.closeAllConnections();
  server.close();
  expect(run).toMatchObject({ result: "pong", elapsedMs: 0 });
});

test("a promise that nothing settles ends the test with the reason", async () => {
  const lost = flow({ name: "lost" }, () => new Promise<void>(() => {}));
  await expect(testFlow(() => lost())).rejects.toThrow("nothing is left to do");
});

test("a body without a flow, or with two, is refused", async () => {
  await expect(testFlow(() => 1)).rejects.toThrow("calls no flow");
  const one = flow({ name: "one" }, () => 1);
  const two = flow({ name: "two" }, () => 2);
  await expect(testFlow(async () => (await one()) + (await two()))).rejects.toThrow(
    'a second flow, "two"',
  );
});

test("withVirtualTime: a task alone retries without waiting", async () => {
  let failures = 1;
  const flaky = task({ name: "flaky", retries: 1, retryDelay: 3_600_000 }, async () => {
    if (failures-- > 0) throw new Error("once");
    return "done";
  });
  expect(await withVirtualTime(() => flaky())).toBe("done");
});
