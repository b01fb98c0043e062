import { once } from "node:events";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { TaskRunEvent } from "../run-host.ts";
import { aRun, WorkerFixture } from "../testing/worker-fixture.ts";

const fixture = new WorkerFixture();
beforeAll(() => fixture.build(), 60_000);
afterEach(() => fixture.killAll());
afterAll(() => fixture.remove());

test("a run completes: started, its log and what became of its tasks, then finished; the next run uses the loaded module", async () => {
  const path = fixture.flowModule(
    "warm.mjs",
    `
    const step = task({ name: "step" }, async (n) => n * 2);
    let calls = 0;
    export const warm = flow({ name: "warm" }, async ({ by }) => {
      log.info("call " + ++calls, { by });
      await step(by);
    });`,
  );
  const worker = fixture.start();
  await worker.expectType("ready");
  worker.send(aRun("one", path, "warm", { by: 1 }));
  worker.send(aRun("two", path, "warm", { by: 2 }));
  expect(await worker.finished("one")).toEqual({ outcome: "completed" });
  expect(await worker.finished("two")).toEqual({ outcome: "completed" });
  const types = worker.received.filter((m) => "runId" in m && m.runId === "one").map((m) => m.type);
  expect([types[0], types.at(-1)]).toEqual(["started", "finished"]);
  expect(
    worker
      .events("one")
      .map((e) => (e.kind === "log" ? e.text : e.kind === "task_run" && e.state.name)),
  ).toEqual(["call 1", "Completed"]);
  expect(worker.events("two")[0]).toMatchObject({ text: "call 2", fields: { by: 2 } });
});

test("a failure carries class, message, stack and cause", async () => {
  const path = fixture.flowModule(
    "fails.mjs",
    `
    class RowError extends Error {}
    export const fails = flow({ name: "fails" }, () => { throw new RowError("row 7", { cause: new TypeError("NaN") }); });`,
  );
  expect(await fixture.outcomeOf(path, "fails")).toMatchObject({
    outcome: "failed",
    stateName: "Failed",
    error: {
      class: "RowError",
      message: "row 7",
      stack: expect.stringContaining("fails.mjs"),
      cause: { class: "TypeError" },
    },
  });
});

test("a thrown non-Error is recorded as ThrownValue", async () => {
  const path = fixture.flowModule(
    "odd.mjs",
    `export const odd = flow({ name: "odd" }, () => { throw { code: 7 }; });`,
  );
  expect(await fixture.outcomeOf(path, "odd")).toMatchObject({
    error: { class: "ThrownValue", message: "thrown value: { code: 7 }" },
  });
});

test.each([
  ["in the flow", `export const stuck = flow({ name: "stuck" }, () => new Promise(() => {}));`],
  [
    "while the module loads",
    `await new Promise(() => {}); export const stuck = flow({ name: "stuck" }, () => 1);`,
  ],
])(
  "a promise that nothing can settle %s fails the run, and the worker goes on",
  async (where, source) => {
    const path = fixture.flowModule(`stuck-${where.length}.mjs`, source);
    const worker = fixture.start();
    worker.send(aRun("stuck", path, "stuck"));
    expect(await worker.finished("stuck")).toMatchObject({
      outcome: "failed",
      error: { class: "FlowNeverSettled" },
    });
    const good = fixture.flowModule(
      "good.mjs",
      `export const good = flow({ name: "good" }, () => new Promise((r) => setTimeout(r, 20)));`,
    );
    worker.send(aRun("after", good, "good"));
    expect(await worker.finished("after")).toEqual({ outcome: "completed" });
  },
);

test("a cancelled run stops cooperatively; one that waits its turn never starts", async () => {
  const path = fixture.flowModule(
    "waits.mjs",
    `
    import { setTimeout as delay } from "node:timers/promises";
    export const waits = flow({ name: "waits" }, () => delay(60_000, undefined, { signal: runContext().signal }));`,
  );
  const worker = fixture.start();
  worker.send(aRun("active", path, "waits"));
  worker.send(aRun("queued", path, "waits"));
  await worker.expectType("started");
  worker.send({ type: "cancel", runId: "queued" });
  expect(await worker.finished("queued")).toEqual({ outcome: "cancelled" });
  worker.send({ type: "cancel", runId: "active" });
  expect(await worker.finished("active")).toEqual({ outcome: "cancelled" });
  expect(worker.received.filter((m) => m.type === "started")).toHaveLength(1);
});

test("a run stopped for the time limit of its deployment has timed out, and hears of that", async () => {
  const path = fixture.flowModule(
    "overdue.mjs",
    `
    import { setTimeout as delay } from "node:timers/promises";
    const tell = ({ state }) => log.info(state.name);
    export const overdue = flow({ name: "overdue", onFailed: tell, onCancelled: tell, onCancelling: tell },
      () => delay(60_000, undefined, { signal: runContext().signal }));`,
  );
  const worker = fixture.start();
  worker.send(aRun("one", path, "overdue"));
  await worker.expectType("started");
  worker.send({ type: "cancel", runId: "one", passedLimitMs: 1_000 });
  expect(await worker.finished("one")).toMatchObject({
    outcome: "failed",
    stateName: "TimedOut",
    error: { class: "TimeoutError" },
  });
  expect(worker.events("one")).toMatchObject([{ text: "TimedOut" }]);
});

test("hooks of a crash are announced, and called in place of the flow", async () => {
  const path = fixture.flowModule(
    "crashes.mjs",
    `
    const onCrashed = ({ error }) => log.info(error.name + ": " + error.message);
    export const crashes = flow({ name: "crashes", onCrashed }, () => log.info("called"));`,
  );
  const worker = fixture.start();
  worker.send({ ...aRun("one", path, "crashes"), tellsStart: false });
  expect(await worker.expectType("started")).toMatchObject({ hearsCrash: true });
  await worker.finished("one");
  const crashed = { class: "ProcessKilled", message: "by SIGKILL" };
  worker.send({ ...aRun("two", path, "crashes"), crashed });
  expect(await worker.finished("two")).toEqual({ outcome: "completed", abandoned: true });
  expect(worker.events("two")).toMatchObject([{ text: "ProcessKilled: by SIGKILL" }]);
});

test("a flow over its timeout ends TimedOut, after its limit was announced", async () => {
  const path = fixture.flowModule(
    "late.mjs",
    `export const late = flow({ name: "late", timeoutMs: 30 }, () => new Promise((r) => setTimeout(r, 60_000)));`,
  );
  const worker = fixture.start();
  worker.send(aRun("one", path, "late"));
  expect(await worker.expectType("started")).toEqual({
    type: "started",
    runId: "one",
    timeoutMs: 30,
  });
  expect(await worker.finished("one")).toMatchObject({
    outcome: "failed",
    stateName: "TimedOut",
    error: { class: "TimeoutError" },
    abandoned: true,
  });
});

test("without a limit to keep, nobody is told of the start", async () => {
  const path = fixture.flowModule(
    "unlimited.mjs",
    `export const unlimited = flow({ name: "unlimited" }, () => 1);`,
  );
  const worker = fixture.start();
  worker.send({ ...aRun("one", path, "unlimited"), tellsStart: false });
  expect(await worker.finished("one")).toEqual({ outcome: "completed" });
  expect(worker.received.map(({ type }) => type)).toEqual(["ready", "finished"]);
});

test("an unhandled rejection fails the run and marks the process as not to be reused", async () => {
  const path = fixture.flowModule(
    "loose.mjs",
    `
    export const loose = flow({ name: "loose" }, async () => {
      Promise.reject(new RangeError("nobody listens"));
      await new Promise((resolve) => setTimeout(resolve, 60_000));
    });`,
  );
  expect(await fixture.outcomeOf(path, "loose")).toMatchObject({
    outcome: "failed",
    abandoned: true,
    error: { class: "RangeError", message: "nobody listens" },
  });
});

test("an uncaught exception fails the run and ends the worker", async () => {
  const path = fixture.flowModule(
    "throws.mjs",
    `
    export const throws = flow({ name: "throws" }, () => new Promise(() => {
      setTimeout(() => { throw new URIError("from a timer"); }, 1);
    }));`,
  );
  const worker = fixture.start();
  worker.send(aRun("one", path, "throws"));
  expect(await worker.finished("one")).toMatchObject({
    outcome: "failed",
    error: { class: "URIError" },
  });
  expect(await worker.exit()).toEqual({ code: 1, signal: null });
});

test("process.exit() in a flow loses no event that came before it", async () => {
  const path = fixture.flowModule(
    "exits.mjs",
    `
    export const exits = flow({ name: "exits" }, () => { log.warn("last words"); process.exit(3); });`,
  );
  const worker = fixture.start();
  worker.send(aRun("one", path, "exits"));
  expect(await worker.exit()).toEqual({ code: 3, signal: null });
  expect(worker.events("one")).toMatchObject([{ kind: "log", text: "last words" }]);
  expect(worker.received.some((message) => message.type === "finished")).toBe(false);
});

test("a worker whose agent is gone aborts its run and exits", async () => {
  const path = fixture.flowModule(
    "orphan.mjs",
    `
    import { setTimeout as delay } from "node:timers/promises";
    export const orphan = flow({ name: "orphan" }, () => delay(60_000, undefined, { signal: runContext().signal }));`,
  );
  const worker = fixture.start();
  worker.send(aRun("one", path, "orphan"));
  await worker.expectType("started");
  // Not `exit()`: Node reports no "close" once this side has hung up.
  const exited = once(worker.child, "exit");
  worker.child.disconnect();
  expect(await exited).toEqual([1, null]);
});

test("of two thousand task runs the newest state arrives, and that one runs before it has ended", async () => {
  const path = fixture.flowModule(
    "many.mjs",
    `
    const step = task({ name: "step" }, async (n) => n);
    const pause = task({ name: "pause" }, () => new Promise((resolve) => setTimeout(resolve, 20)));
    export const many = flow({ name: "many" }, async () => {
      for (let n = 0; n < 2000; n++) await step(n);
      await pause();
    });`,
  );
  const worker = fixture.start();
  worker.send(aRun("one", path, "many"));
  expect(await worker.finished("one")).toEqual({ outcome: "completed" });
  const events = worker.events("one") as TaskRunEvent[];
  const newest = new Map(events.map(({ taskName, index, ...event }) => [taskName + index, event]));
  expect(newest.size).toBe(2001);
  for (const { sequence, state } of newest.values())
    expect({ sequence, name: state.name }).toEqual({ sequence: 1, name: "Completed" });
  const pauses = events.filter(({ taskName }) => taskName === "pause");
  expect(pauses.map(({ state }) => state.name)).toEqual(["Running", "Completed"]);
});
