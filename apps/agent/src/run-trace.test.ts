import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { sealJson } from "@downbeat/seal";
import type { TriggerMaker } from "@downbeat/sdk/protocol";
import { afterEach, expect, test, vi } from "vitest";
import { anAgentWorld } from "./agent.fixture.ts";
import { createLogger } from "./logger.ts";
import { PlaneWatch } from "./plane-watch.ts";
import { RunChildren } from "./run-children.ts";
import { startAgent } from "./start-agent.ts";

const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";
const TRACE = `00-${TRACE_ID}-b7ad6b7169203331-01`;
const OPENTELEMETRY = new URL("../../../packages/sdk/node_modules/@opentelemetry", import.meta.url);

const FLOWS = `
import { context, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { BasicTracerProvider } from "@opentelemetry/sdk-trace-base";
import { flow, log } from "@downbeat/sdk";
trace.setGlobalTracerProvider(new BasicTracerProvider());
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
export const traced = flow({ name: "traced" }, () => log.info(trace.getActiveSpan().spanContext().traceId));
`;

const cleanUp: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const clean of cleanUp.splice(0).toReversed()) await clean();
});

test("a run goes on in the trace that came with its parameters, one without begins its own", async () => {
  const { plane, config, dataKey, logLines } = await anAgentWorld(FLOWS);
  cleanUp.push(() => plane.close());
  symlinkSync(fileURLToPath(OPENTELEMETRY), join(config.project, "node_modules/@opentelemetry"));
  const agent = await startAgent(config);
  cleanUp.push(() => agent.kill());
  const dep = "traced/default";
  const entrypoint = { path: "flows.ts", export: "traced" };
  const traceOf = async (trace: string | undefined) => {
    const run = plane.offer({
      flowName: "traced",
      entrypoint: await sealJson(dataKey, { kind: "entrypoint", dep }, entrypoint),
      defaultParameters: null,
      parameters: await sealJson(dataKey, { kind: "parameters", dep, trace }, {}),
    });
    await vi.waitUntil(() => run.type === "COMPLETED", { timeout: 20_000 });
    return (await logLines(run)).at(0)?.text;
  };
  expect(await traceOf(TRACE)).toBe(TRACE_ID);
  expect(await traceOf(undefined)).toMatch(/^(?!0af7651916cd)[0-9a-f]{32}$/);
});

test("what a flow triggers is sealed with the trace it names, which must be one", async () => {
  const asked: unknown[] = [];
  const makeAll: TriggerMaker["makeAll"] = async (requests) => {
    asked.push(...requests.map(({ traceparent }) => traceparent));
    return requests.map(() => ({ refusal: { code: "flow_not_found", message: "" } }));
  };
  const answers: unknown[] = [];
  const children = new RunChildren(
    {
      client: { call: () => Promise.reject(new Error("not asked")) },
      watch: new PlaneWatch(createLogger("silent")),
      triggers: { makeAll },
    },
    {
      lease: { runId: "r", epoch: 1, leaseToken: "t" },
      answer: (_, answer) => answers.push(answer),
    },
  );
  const request = { flowName: "f", deploymentName: "default", parameters: {}, tags: [] };
  for (const traceparent of [TRACE, "Ada Lovelace"]) {
    const call = { kind: "trigger", requests: [{ ...request, traceparent }] };
    await children.handle({ requestId: "q", call });
  }
  expect(asked).toEqual([TRACE]);
  expect(answers).toMatchObject([{ value: {} }, { refusal: { code: "usage_invalid" } }]);
});
