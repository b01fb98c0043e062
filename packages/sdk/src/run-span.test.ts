import { context, SpanStatusCode, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import type { ReadableSpan } from "@opentelemetry/sdk-trace-base";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FLOW } from "./flow-definition.ts";
import { flow, NonRetriableError, runContext, runDeployment, secret, task } from "./index.ts";
import type { RemotePlane, TriggerRequest } from "./remote/remote-plane.ts";
import { testFlow } from "./testing/index.ts";
import { RecordingHost } from "./testing/recording-host.ts";

const exporter = new InMemorySpanExporter();

beforeEach(() => {
  const spanProcessors = [new SimpleSpanProcessor(exporter)];
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors }));
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
});

afterEach(() => {
  trace.disable();
  context.disable();
  exporter.reset();
});

const own = (name: string) => trace.getTracer("user").startSpan(name).end();

test("tasks are children of their flow, what user code makes is a child of its task, however many run at once", async () => {
  const read = task({ name: "read" }, async (day: string) => {
    await Promise.resolve();
    own(`query ${day}`);
    return day;
  });
  const week = task({ name: "week" }, async (days: string[]) => {
    await Promise.all(days.map((day) => read(day)));
    await read.submit("sun");
    await read.map(["sat"]);
  });
  const report = flow({ name: "report" }, async () => {
    own("plan");
    await week(["mon", "tue"]);
  });
  await trace.getTracer("user").startActiveSpan("request", async (span) => {
    await report();
    span.end();
  });
  expect(tree()).toEqual(
    [
      "request",
      "request > flow report",
      "request > flow report > plan",
      "request > flow report > task week",
      ...["mon", "sat", "sun", "tue"].flatMap((day) => [
        "request > flow report > task week > task read",
        `request > flow report > task week > task read > query ${day}`,
      ]),
    ].toSorted(),
  );
});

test("a span says which run it is of and how that ended, and nothing of its data", async () => {
  const read = task({ name: "read", renderName: "hush {0}" }, async (day: string) => ({
    day,
    id: runContext().task?.taskRunId,
  }));
  const report = flow({ name: "report" }, async (day: string) => [
    await read(day),
    runContext().run?.runId,
  ]);
  const [{ id }, runId] = (await report("hush")) as [{ id: string }, string];
  const flowFacts = { "downbeat.flow.name": "report", "downbeat.flow_run.id": runId };
  const ended = {
    "downbeat.state.type": "COMPLETED",
    "downbeat.state.name": "Completed",
    "downbeat.attempt": 1,
  };
  expect(span("flow report").attributes).toEqual({ ...flowFacts, ...ended });
  expect(span("task read").attributes).toEqual({
    ...flowFacts,
    "downbeat.task.name": "read",
    "downbeat.task_run.id": id,
    "downbeat.task_run.index": 0,
    ...ended,
  });
  expect(span("task read").status).toEqual({ code: SpanStatusCode.UNSET });
  expect(exporter.getFinishedSpans().map(({ events }) => events)).toEqual([[], []]);
});

test("attempts are events of one span, and a failure that was retried is no error of it", async () => {
  let failuresLeft = 2;
  const flaky = task({ name: "flaky", retries: 2 }, async () => {
    own(`query ${failuresLeft}`);
    if (failuresLeft-- > 0) throw new RangeError("hush");
  });
  const { state } = await testFlow(() => flow({ name: "patient" }, () => flaky())());
  expect(state.name).toBe("Completed");
  expect(tree().filter((path) => path.includes("query"))).toEqual(
    [0, 1, 2].map((left) => `flow patient > task flaky > query ${left}`),
  );
  const { events, status, attributes } = span("task flaky");
  expect(events.map((event) => [event.name, event.attributes])).toEqual(
    [1, 2].flatMap((attempt) => [
      [
        "downbeat.state",
        {
          "downbeat.state.type": "SCHEDULED",
          "downbeat.state.name": "AwaitingRetry",
          "downbeat.attempt": attempt,
          "error.type": "RangeError",
        },
      ],
      [
        "downbeat.state",
        {
          "downbeat.state.type": "RUNNING",
          "downbeat.state.name": "Retrying",
          "downbeat.attempt": attempt + 1,
        },
      ],
    ]),
  );
  expect(status.code).toBe(SpanStatusCode.UNSET);
  expect(attributes).toMatchObject({ "downbeat.attempt": 3 });
});

test("a flow that is retried is one span as well", async () => {
  let failuresLeft = 1;
  const patient = flow({ name: "patient", retries: 1, retryDelay: 0 }, async () => {
    if (failuresLeft-- > 0) throw new Error("once");
  });
  await patient();
  expect(tree()).toEqual(["flow patient"]);
  expect(
    span("flow patient").events.map(({ attributes }) => attributes?.["downbeat.state.name"]),
  ).toEqual(["AwaitingRetry", "Running"]);
});

test("a failed run's span has the status ERROR and records the exception without secrets", async () => {
  const token = secret("tok-4711");
  const broken = task({ name: "broken", retries: 3 }, async () => {
    throw new NonRetriableError(`refused ${token}`);
  });
  await expect(flow({ name: "nightly" }, () => broken())()).rejects.toThrow("refused tok-4711");
  for (const name of ["task broken", "flow nightly"]) {
    const { status, attributes, events } = span(name);
    expect(status).toEqual({ code: SpanStatusCode.ERROR, message: "refused [secret]" });
    expect(attributes).toMatchObject({
      "downbeat.state.name": "Failed",
      "error.type": "NonRetriableError",
    });
    expect(events).toMatchObject([
      {
        name: "exception",
        attributes: {
          "exception.type": "NonRetriableError",
          "exception.message": "refused [secret]",
          "exception.stacktrace": expect.stringContaining("run-span.test"),
        },
      },
    ]);
  }
  expect(JSON.stringify(exporter.getFinishedSpans().map(({ events }) => events))).not.toContain(
    token,
  );
});

test("an attempt that ran out of time ends the span then, not when its code stops", async () => {
  let stop = () => {};
  const stopped = new Promise<void>((resolve) => (stop = resolve));
  const slow = task({ name: "slow", timeoutMs: 5 }, () => stopped);
  await expect(slow()).rejects.toThrow("slow");
  expect(span("task slow").attributes).toMatchObject({
    "downbeat.state.name": "TimedOut",
    "error.type": "TimeoutError",
  });
  stop();
});

test("what did not have to run is a span without children", async () => {
  const broken = task({ name: "broken" }, async () => {
    throw new Error("no");
  });
  const next = task({ name: "next" }, async () => own("never"));
  const clean = task({ name: "clean" }, async () => own("never"));
  await flow({ name: "partly" }, async () => {
    await next
      .with({ after: [broken.submit()] })()
      .catch(() => {});
    const done = task({ name: "done" }, () => 1).submit();
    await clean.with({ after: [done], runWhen: "any-failed" })();
  })();
  const stateOf = (name: string) => span(name).attributes["downbeat.state.name"];
  expect(stateOf("task next")).toBe("UpstreamFailed");
  expect(stateOf("task clean")).toBe("Skipped");
  expect(tree().join()).not.toContain("never");
});

test("a run triggered by another goes on in the trace of the code that triggered it", async () => {
  const asked: TriggerRequest[] = [];
  const remote = { trigger: async (requests: TriggerRequest[]) => requests.map(take) };
  const take = (request: TriggerRequest) => {
    asked.push(request);
    return { run: { runId: request.runId, state: { type: "SCHEDULED" } } };
  };
  const host = Object.assign(new RecordingHost("parent"), {
    remote: remote as never as RemotePlane,
  });
  const mail = task({ name: "mail", background: true }, async () => {});
  const start = task({ name: "start" }, () => runDeployment("child", { wait: false }));
  const parent = flow({ name: "parent" }, async () => {
    await start();
    await mail.delay().sent;
  });
  expect(await parent[FLOW].execute({}, host)).toEqual({ outcome: "completed" });
  const traceparentOf = (name: string) => {
    const { traceId, spanId } = span(name).spanContext();
    return `00-${traceId}-${spanId}-01`;
  };
  expect(asked.map(({ flowName, traceparent }) => [flowName, traceparent])).toEqual([
    ["child", traceparentOf("task start")],
    ["mail", traceparentOf("flow parent")],
  ]);

  const traceparent = traceparentOf("task start");
  const child = flow({ name: "child" }, () => own("query"));
  await trace
    .getTracer("user")
    .startActiveSpan("elsewhere", () =>
      child[FLOW].execute({}, Object.assign(new RecordingHost("child"), { traceparent })),
    );
  expect(span("flow child").parentSpanContext).toMatchObject({
    spanId: span("task start").spanContext().spanId,
    isRemote: true,
  });
  expect(tree()).toContain("flow parent > task start > flow child > query");
});

test("without a span around it nothing of a trace goes with a run", async () => {
  trace.disable();
  const asked: TriggerRequest[] = [];
  const trigger = async ([request]: TriggerRequest[]) => {
    if (request !== undefined) asked.push(request);
    return [{ run: { runId: request?.runId, state: { type: "SCHEDULED" } } }];
  };
  const remote = { trigger } as never as RemotePlane;
  const parent = flow({ name: "parent" }, () => runDeployment("child", { wait: false }));
  await parent[FLOW].execute({}, Object.assign(new RecordingHost("parent"), { remote }));
  expect(asked).toHaveLength(1);
  expect(asked[0]).not.toHaveProperty("traceparent");
});

test("a flow called in a flow is a span of it", async () => {
  const inner = flow({ name: "inner" }, async () => own("query"));
  await flow({ name: "outer" }, () => inner())();
  expect(tree()).toEqual([
    "flow outer",
    "flow outer > flow inner",
    "flow outer > flow inner > query",
  ]);
});

function span(name: string): ReadableSpan {
  const found = exporter.getFinishedSpans().filter((it) => it.name === name);
  expect(found).toHaveLength(1);
  return found[0] as ReadableSpan;
}

/** Each span as the names on the way to it. */
function tree(): string[] {
  const spans = exporter.getFinishedSpans();
  const byId = new Map(spans.map((it) => [it.spanContext().spanId, it]));
  const pathOf = (it: ReadableSpan): string => {
    const parent = byId.get(it.parentSpanContext?.spanId ?? "");
    return parent === undefined ? it.name : `${pathOf(parent)} > ${it.name}`;
  };
  return spans.map(pathOf).toSorted();
}
