import { expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
import { FLOW, flowDefinitionOf } from "./flow-definition.ts";
import { withTimers } from "./frame.ts";
import { flow, log, ParameterError, runContext, task } from "./index.ts";
import { ManualTimers } from "./testing/manual-timers.ts";
import { RecordingHost } from "./testing/recording-host.ts";

test("a flow with a schema takes its input type and hands the function its output type", async () => {
  const parameters = z.object({ year: z.int(), city: z.string().default("Seattle") });
  const report = flow({ name: "report", parameters }, async (p) => {
    expectTypeOf(p).toEqualTypeOf<{ year: number; city: string }>();
    return `${p.city} ${p.year}`;
  });
  expectTypeOf(report).parameters.toEqualTypeOf<
    [parameters: { year: number; city?: string | undefined }]
  >();
  expectTypeOf(report({ year: 1 })).toEqualTypeOf<Promise<string>>();
  expect(await report({ year: 2014 })).toBe("Seattle 2014");
});

test("a flow without a schema keeps the function's own arguments", async () => {
  const add = flow(function add(a: number, b: number) {
    return a + b;
  });
  expectTypeOf(add).parameters.toEqualTypeOf<[a: number, b: number]>();
  expectTypeOf(add(1, 2)).toEqualTypeOf<Promise<number>>();
  expect(await add(2, 3)).toBe(5);
  expect(add.flowName).toBe("add");
});

test("a schema that takes nothing makes the argument optional", async () => {
  const idle = flow({ name: "idle", parameters: z.object({}).optional() }, () => "ok");
  expectTypeOf(idle).parameters.toEqualTypeOf<[parameters?: Record<string, never> | undefined]>();
  expect(await idle()).toBe("ok");
});

const nested = flow(
  {
    name: "nested",
    parameters: z.object({ days: z.array(z.object({ name: z.string() })), year: z.int() }),
  },
  async () => undefined,
);

test("parameters that do not fit are refused with the path and the reason of each", async () => {
  const bad = { days: [{ name: "Mon" }, { name: 7 }], year: 1.5 };
  const error: unknown = await nested(bad as never).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(ParameterError);
  expect(String(error)).toContain(
    'flow "nested" refuses its parameters: days[1].name: Invalid input: expected string',
  );
  expect(String(error)).toContain("; year: Invalid input: expected int");
});

test("under a host, bad parameters fail the run with class ParameterError before user code", async () => {
  const host = new RecordingHost("nested");
  const outcome = await nested[FLOW].execute({ days: [] }, host);
  expect(outcome).toMatchObject({
    outcome: "failed",
    stateName: "Failed",
    error: { class: "ParameterError" },
  });
  expect(host.events).toEqual([]);
  expect(await nested[FLOW].validateParameters({ days: [], year: 1 })).toEqual([]);
  expect(await nested[FLOW].validateParameters(null)).toMatchObject([
    { path: "days" },
    { path: "year" },
  ]);
});

test("a positional flow cannot be triggered with a JSON object and says what to do", async () => {
  const add = flow({ name: "add" }, (a: number, b: number) => a + b);
  const outcome = await add[FLOW].execute({ a: 1 }, new RecordingHost("add"));
  expect(outcome).toMatchObject({
    error: { message: expect.stringContaining("takes 2 positional arguments") },
  });
});

test("task runs are reported with index, rising sequence, attempts and times", async () => {
  const timers = new ManualTimers();
  let failures = 1;
  const step = task({ name: "step", retries: 1, retryDelay: 1_000 }, async (n: number) => {
    if (n === 1 && failures-- > 0) throw new TypeError("once");
    return { n };
  });
  const looping = flow({ name: "looping" }, async () => {
    for (const n of [0, 1]) await step(n);
  });
  const host = new RecordingHost("looping");
  const outcome = await timers.settle(withTimers(timers, () => looping[FLOW].execute({}, host)));
  expect(outcome).toEqual({ outcome: "completed" });
  expect(host.trail("step")).toEqual([
    "Running#1",
    "Completed#1",
    "Running#1",
    "AwaitingRetry#1",
    "Retrying#2",
    "Completed#2",
  ]);
  const second = host.taskRuns("step").slice(2);
  expect(second.map(({ index, sequence }) => [index, sequence])).toEqual([
    [1, 0],
    [1, 1],
    [1, 2],
    [1, 3],
  ]);
  expect(new Set(second.map(({ taskRunId }) => taskRunId)).size).toBe(1);
  expect(second[1]?.error).toMatchObject({ class: "TypeError", message: "once" });
  expect(second.at(-1)).toMatchObject({
    startedAt: "2026-01-01T00:00:00.000Z",
    endedAt: "2026-01-01T00:00:01.000Z",
  });
});

test("passing a result on, itself or in a list or object, records an edge; the value is nowhere in the events", async () => {
  const load = task({ name: "load" }, async (secret: string) => ({ secret }));
  const merge = task({ name: "merge" }, async (..._parts: unknown[]) => [1]);
  const graph = flow({ name: "graph" }, async () => {
    const [a, b, c] = await Promise.all(["hush-a", "hush-b", "hush-c"].map((name) => load(name)));
    await merge(a, [b], { c });
    await merge({ ...a });
  });
  const host = new RecordingHost("graph");
  await graph[FLOW].execute({}, host);
  const ids = [0, 1, 2].map(
    (index) => host.taskRuns("load").find((event) => event.index === index)?.taskRunId,
  );
  const [joined, copied] = host
    .taskRuns("merge")
    .filter((event) => event.state.type === "COMPLETED");
  expect(joined?.upstream).toEqual(ids);
  expect(copied?.upstream).toEqual([]);
  expect(JSON.stringify(host.events)).not.toContain("hush");
});

test("a flow inside a flow runs inline as a task, and its tasks belong to the same run", async () => {
  const seen: unknown[] = [];
  const leaf = task({ name: "leaf" }, async () => {
    const { run, task: current } = runContext();
    seen.push([run?.runId, run?.flowName, current?.taskName, current?.index]);
    log.info("leaf speaks", { big: 10n });
  });
  const inner = flow({ name: "inner", parameters: z.object({ n: z.int() }) }, async ({ n }) => {
    await leaf();
    return n + 1;
  });
  const outer = flow({ name: "outer" }, async () => inner({ n: 1 }));
  const host = new RecordingHost("outer");
  expect(await outer[FLOW].execute({}, host)).toEqual({ outcome: "completed" });
  expect(seen).toEqual([[host.run.runId, "outer", "leaf", 0]]);
  expect(host.trail("inner")).toEqual(["Running#1", "Completed#1"]);
  expect(host.logs).toMatchObject([
    {
      level: "info",
      logger: "leaf",
      text: "leaf speaks",
      fields: { big: "10" },
      taskRunId: host.taskRuns("leaf")[0]?.taskRunId,
    },
  ]);
});

test("a failing flow is retried in place, counting on from the host's attempt, and says so", async () => {
  const timers = new ManualTimers();
  const attempts: unknown[] = [];
  const flaky = flow({ name: "flaky", retries: 1, retryDelay: 60_000 }, async () => {
    attempts.push(runContext().run?.attempt);
    throw new Error(`attempt ${attempts.length}`, { cause: new RangeError("deep") });
  });
  const host = new RecordingHost("flaky", 3);
  const outcome = await timers.settle(withTimers(timers, () => flaky[FLOW].execute({}, host)));
  expect(attempts).toEqual([3, 4]);
  expect(host.flowStates).toMatchObject([
    { state: { name: "Retrying" }, attempt: 4, error: { message: "attempt 1" } },
    { state: { name: "Running" }, attempt: 4 },
  ]);
  expect(outcome).toMatchObject({
    outcome: "failed",
    stateName: "Failed",
    error: {
      class: "Error",
      message: "attempt 2",
      cause: { class: "RangeError", message: "deep" },
    },
  });
});

test("a flow over its timeout ends TimedOut; code that ignores the signal marks the process as not to be reused", async () => {
  const timers = new ManualTimers();
  const deaf = flow({ name: "deaf", timeoutMs: 1_000 }, () => new Promise<void>(() => {}));
  const heeding = flow({ name: "heeding", timeoutMs: 1_000 }, async () => {
    const { signal } = runContext();
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
  });
  const run = (it: typeof deaf) =>
    timers.settle(withTimers(timers, () => it[FLOW].execute({}, new RecordingHost("x"))));
  const timedOut = { outcome: "failed", stateName: "TimedOut", error: { class: "TimeoutError" } };
  expect(await run(deaf)).toMatchObject({ ...timedOut, abandoned: true });
  const outcome = await run(heeding);
  expect(outcome).toMatchObject(timedOut);
  expect(outcome.abandoned).toBeUndefined();
});

test("a flow that fails because a task timed out is Failed, not TimedOut", async () => {
  const timers = new ManualTimers();
  const slow = task({ name: "slow", timeoutMs: 10 }, () => new Promise<void>(() => {}));
  const host = new RecordingHost("patient");
  const patient = flow({ name: "patient", timeoutMs: 60_000 }, () => slow());
  const outcome = await timers.settle(withTimers(timers, () => patient[FLOW].execute({}, host)));
  expect(outcome).toMatchObject({ stateName: "Failed", error: { class: "TimeoutError" } });
  expect(host.trail("slow")).toEqual(["Running#1", "TimedOut#1"]);
});

test("cancelling during a backoff ends the task and the run as cancelled, at once", async () => {
  const timers = new ManualTimers();
  const host = new RecordingHost("stubborn");
  const failing = task({ name: "failing", retries: 9, retryDelay: 3_600_000 }, () => {
    setImmediate(() => host.controller.abort());
    throw new Error("again");
  });
  const later = task({ name: "later" }, async () => "never");
  const stubborn = flow({ name: "stubborn" }, async () => {
    await failing().catch(() => undefined);
    await later();
  });
  const startedAt = timers.now();
  // Not `settle`: time must not move at all.
  expect(await withTimers(timers, () => stubborn[FLOW].execute({}, host))).toEqual({
    outcome: "cancelled",
  });
  expect(timers.now()).toBe(startedAt);
  expect(host.trail("failing")).toEqual(["Running#1", "AwaitingRetry#1", "Cancelled#1"]);
  expect(host.trail("later")).toEqual(["Cancelled#1"]);
});

test("under a host, a task that nobody awaited still ends before the run does", async () => {
  const slow = task({ name: "slow" }, () => new Promise((resolve) => setImmediate(resolve)));
  const careless = flow({ name: "careless" }, async () => {
    void slow();
  });
  const host = new RecordingHost("careless");
  await careless[FLOW].execute({}, host);
  expect(host.trail("slow")).toEqual(["Running#1", "Completed#1"]);
});

test("the JSON Schema of the parameters names and types them and carries no value of theirs", () => {
  const parameters = z.object({
    year: z.int().default(2014).describe("Which year"),
    default: z
      .string()
      .optional()
      .meta({ examples: ["hush"], placeholder: "hush" }),
    at: z.date().optional(),
    tags: z.array(z.object({ key: z.string().default("hush") })).default([{ key: "hush" }]),
  });
  const schema = flow({ name: "schema", parameters }, () => undefined)[FLOW].parametersJsonSchema();
  expect(schema).toMatchObject({
    type: "object",
    properties: {
      year: { type: "integer", description: "Which year" },
      default: { type: "string" },
      tags: { type: "array", items: { properties: { key: { type: "string" } } } },
    },
  });
  expect(JSON.stringify(schema)).not.toMatch(/hush|2014|examples|placeholder/);
});

test("a flow is recognised by its mark, whichever copy of the package made it", () => {
  const foreign = Object.assign(() => undefined, {
    [Symbol.for("downbeat.flow")]: { protocol: 1, name: "theirs" },
  });
  expect(flowDefinitionOf(foreign)?.name).toBe("theirs");
  expect(flowDefinitionOf(() => undefined)).toBeUndefined();
  expect(
    flowDefinitionOf(Object.assign(() => undefined, { [FLOW]: { protocol: 2 } })),
  ).toBeUndefined();
});

test("a flow tells whoever deploys it that it is exclusive", () => {
  const alone = flow({ name: "alone", exclusive: true }, () => 1);
  const plain = flow({ name: "plain", exclusive: false }, () => 1);
  expect([alone[FLOW].exclusive, plain[FLOW].exclusive]).toEqual([true, undefined]);
});

test("outside any flow, runContext() answers and never aborts", () => {
  const { run, task: current, signal } = runContext();
  expect([run, current, signal.aborted]).toEqual([undefined, undefined, false]);
});
