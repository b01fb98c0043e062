import { sealJson } from "@downbeat/seal";
import { afterEach, expect, test, vi } from "vitest";
import { anAgentWorld } from "./agent.fixture.ts";
import type { FakeRun } from "./fake-report.fixture.ts";
import { startAgent } from "./start-agent.ts";

// Flow code that never gives its thread back: only the agent can end it.
const FLOWS = `
import { flow } from "@downbeat/sdk";
export const spins = flow({ name: "spins", timeoutMs: 200 }, () => { for (;;); });
export const lasts = flow({ name: "lasts" }, () => new Promise((resolve) => setTimeout(resolve, 60_000)));
export const stubborn = flow({ name: "stubborn" }, () => { process.on("SIGTERM", () => {}); for (;;); });
let tries = 0;
export const recovers = flow({ name: "recovers", timeoutMs: 1_500, retries: 1, retryDelay: 2_500 }, async () => {
  if (tries++ === 0) throw new Error("first");
  await new Promise((resolve) => setTimeout(resolve, 1_000));
});
`;

const cleanUp: (() => Promise<unknown> | void)[] = [];

afterEach(async () => {
  for (const clean of cleanUp.splice(0).toReversed()) await clean();
});

async function runOf(name: string, timeoutSeconds: number | null): Promise<FakeRun> {
  const { plane, config, dataKey } = await anAgentWorld(FLOWS, { concurrency: 1 });
  cleanUp.push(() => plane.close());
  const agent = await startAgent(config);
  cleanUp.push(() => agent.kill());
  const context = { kind: "entrypoint", dep: `${name}/default` } as const;
  const entrypoint = await sealJson(dataKey, context, { path: "flows.ts", export: name });
  const run = plane.offer({
    flowName: name,
    entrypoint,
    defaultParameters: null,
    parameters: null,
    timeoutSeconds,
  });
  const isOver = () => ["COMPLETED", "FAILED", "CRASHED", "CANCELLED"].includes(run.type);
  await vi.waitUntil(isOver, { timeout: 20_000 });
  return run;
}

const last = (run: FakeRun) => run.transitions.at(-1);

test.each([
  ["a flow whose event loop is blocked past its own limit", "spins", null],
  ["a flow past the limit of its deployment", "lasts", 1],
  ["a blocked flow that ignores SIGTERM", "stubborn", 1],
])("%s is stopped and ends as timed out", async (_what, name, timeoutSeconds) => {
  const run = await runOf(name, timeoutSeconds);
  expect(last(run)).toMatchObject({
    type: "FAILED",
    name: "TimedOut",
    reason: "timed_out",
    error: { class: "TimeoutError" },
  });
});

test("a retry in the process has the flow's limit to itself", async () => {
  const run = await runOf("recovers", null);
  expect(last(run)).toMatchObject({ type: "COMPLETED" });
});

test("a flow that ends within its limits is left alone", async () => {
  const run = await runOf("recovers", 30);
  expect(last(run)).toMatchObject({ type: "COMPLETED" });
});
