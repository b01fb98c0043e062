import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { aRun, WorkerFixture } from "../testing/worker-fixture.ts";

const bare = new WorkerFixture();
const installed = new WorkerFixture();

beforeAll(async () => {
  await Promise.all([bare.build(), installed.build()]);
  mkdirSync(join(installed.directory, "node_modules"));
  const packages = fileURLToPath(new URL("../../node_modules/@opentelemetry", import.meta.url));
  symlinkSync(packages, join(installed.directory, "node_modules/@opentelemetry"));
  const piscina = fileURLToPath(new URL("../../node_modules/piscina", import.meta.url));
  symlinkSync(piscina, join(installed.directory, "node_modules/piscina"));
}, 60_000);
afterEach(() => installed.killAll());
afterAll(() => {
  bare.remove();
  installed.remove();
});

const RUN_TWICE = `
  const step = task({ name: "step" }, () => 1);
  const main = flow({ name: "main" }, () => step());
  console.log(await main() + await main());`;

test("spans that wait in a batch are exported before an agent's process ends", async () => {
  const path = installed.flowModule(
    "traced.mjs",
    `import { trace } from "@opentelemetry/api";
    import { BasicTracerProvider, BatchSpanProcessor } from "@opentelemetry/sdk-trace-base";
    const exporter = {
      export: (spans, done) => { for (const { name } of spans) console.log(name); done({ code: 0 }); },
      shutdown: async () => {},
    };
    const spanProcessors = [new BatchSpanProcessor(exporter, { scheduledDelayMillis: 60_000 })];
    trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors }));
    const step = task({ name: "step" }, () => 1);
    export const traced = flow({ name: "traced" }, () => step());`,
  );
  const worker = installed.start();
  worker.send(aRun("run", path, "traced"));
  expect(await worker.finished("run")).toEqual({ outcome: "completed" });
  expect(worker.stdout).toBe("");
  worker.send({ type: "stop" });
  expect(await worker.exit()).toEqual({ code: 0, signal: null });
  expect(worker.stdout).toBe("task step\nflow traced\n");
});

test("spans of a worker thread are children of its task, in the trace that the run came with", async () => {
  const kept = join(installed.directory, "spans.txt");
  const path = installed.flowModule(
    "threaded.mjs",
    `import { appendFileSync } from "node:fs";
    import { context, trace } from "@opentelemetry/api";
    import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
    import { BasicTracerProvider, BatchSpanProcessor } from "@opentelemetry/sdk-trace-base";
    import { threads } from "./sdk.mjs";
    const line = (span) => [span.name, span.spanContext().traceId, span.spanContext().spanId, span.parentSpanContext?.spanId].join(",");
    const exporter = {
      export: (spans, done) => { appendFileSync(${JSON.stringify(kept)}, spans.map((it) => line(it) + "\\n").join("")); done({ code: 0 }); },
      shutdown: async () => {},
    };
    const spanProcessors = [new BatchSpanProcessor(exporter, { scheduledDelayMillis: 60_000 })];
    trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors }));
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    export const compute = task(
      { name: "compute", runner: threads(import.meta.url, "compute") },
      () => trace.getTracer("user").startSpan("query").end(),
    );
    export const threaded = flow({ name: "threaded" }, () => compute());`,
  );
  const worker = installed.start();
  const [traceId, spanId] = ["0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"];
  const traceparent = `00-${traceId}-${spanId}-01`;
  worker.send({ ...aRun("run", path, "threaded"), traceparent });
  expect(await worker.finished("run")).toEqual({ outcome: "completed" });
  const exported = () =>
    readFileSync(kept, "utf8")
      .trim()
      .split("\n")
      .map((line) => line.split(","));
  // Before anyone stops the thread.
  expect(exported().map(([name]) => name)).toEqual(["query"]);
  worker.send({ type: "stop" });
  expect(await worker.exit()).toEqual({ code: 0, signal: null });
  const [query, compute, threaded] = exported();
  expect([query?.[1], compute?.[1], threaded?.[1]]).toEqual([traceId, traceId, traceId]);
  expect([query?.[3], compute?.[3], threaded?.[3]]).toEqual([compute?.[2], threaded?.[2], spanId]);
});

test("without an SDK nothing of OpenTelemetry is loaded", async () => {
  const { stdout } = await run(
    installed,
    `import { createRequire } from "node:module";
    ${RUN_TWICE}
    const { cache } = createRequire(import.meta.url);
    console.log(Object.keys(cache).filter((path) => path.includes("opentelemetry")));`,
  );
  expect(stdout).toBe("2\n[]\n");
});

test("with an SDK whose API cannot be found from here flows run all the same, and one warning says so", async () => {
  const { stdout, stderr } = await run(
    bare,
    `globalThis[Symbol.for("opentelemetry.js.api.1")] = { version: "1.9.1", trace: {} };
    ${RUN_TWICE}`,
  );
  expect(stdout).toBe("2\n");
  expect(stderr.match(/\[DOWNBEAT_NO_SPANS\]/g)).toHaveLength(1);
  expect(stderr).toContain("add it to your project (Cannot find module '@opentelemetry/api')");
});

function run(fixture: WorkerFixture, source: string) {
  const path = fixture.flowModule("script.mjs", source);
  const env = { DOWNBEAT_RECORD: "off" };
  return promisify(execFile)(process.execPath, [path], { cwd: fixture.directory, env });
}
