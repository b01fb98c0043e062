import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import type { Run, TaskRun } from "@downbeat/contract";
import { waitFor } from "@downbeat/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Plane } from "./plane.ts";
import { startProcess } from "./process.ts";

const fromSdk = createRequire(new URL("../../packages/sdk/package.json", import.meta.url));
const TSX = pathToFileURL(fromSdk.resolve("tsx")).href;

let plane: Plane;

beforeAll(async () => {
  plane = await Plane.create(undefined);
  await plane.startApi();
  await plane.setUp();
  await plane.startAgent();
});
afterAll(() => plane.dispose());

/** Runs a flow to its end; its task runs and its log. */
async function ran(flowName: string): Promise<{ taskRuns: TaskRun[]; log: string }> {
  const { id } = await plane.cliJson<Run>(["run", flowName]);
  const client = plane.client();
  await waitFor(
    async () =>
      (await client.call("readRun", { params: { runId: id } })).state.type === "COMPLETED",
    { deadlineMs: 60_000, describe: `${flowName} to complete` },
  );
  const { items } = await client.call("listTaskRuns", { params: { runId: id }, query: {} });
  const logs = await plane.cliOk(["runs", "logs", id]);
  return { taskRuns: items, log: logs.stdout };
}

it("futures, rules and maps show on the plane: edges and states in clear, names and values not", async () => {
  const { taskRuns, log } = await ran("engine");
  const of = (name: string) => taskRuns.filter(({ taskName }) => taskName === name);
  expect(of("merge").map(({ state }) => `${state.type} ${state.name}`)).toEqual([
    "COMPLETED Completed",
    "FAILED UpstreamFailed",
  ]);
  expect(new Set(of("merge")[0]?.upstream)).toEqual(new Set(of("load").map(({ id }) => id)));
  expect(of("tidy")[0]?.upstream).toEqual([of("merge")[1]?.id]);
  expect(of("merge")[1]?.error?.class).toBe("UpstreamFailed");
  expect(of("count").map(({ index, state }) => [index, state.name])).toEqual(
    [0, 1, 2, 3, 4].map((index) => [index, "Completed"]),
  );
  expect(of("load").every(({ renderedName }) => renderedName !== null)).toBe(true);
  expect(JSON.stringify(taskRuns)).not.toContain("secret");
  expect(log).toContain("merged secret-a+secret-b");
  expect(log).toContain("tidy: tidied up");
});

it("under an agent a TypeScript task runs in threads, and its log arrives", async () => {
  const { taskRuns, log } = await ran("threaded");
  expect(taskRuns.map(({ taskName, state }) => [taskName, state.name])).toEqual([
    ["in-thread", "Completed"],
    ["in-thread", "Completed"],
  ]);
  expect(log).toContain("in-thread: one from thread true");
  expect(log).toContain("in-thread: two from thread true");
});

it("the example for threads runs as a plain script", async () => {
  const module = new URL("../../apps/examples/flows/delay-confidence.ts", import.meta.url);
  const script = `const { delayConfidence } = await import(${JSON.stringify(module.href)});
    console.log(JSON.stringify(await delayConfidence({ samples: 400 })));`;
  const args = ["--import", TSX, "--input-type=module", "-e", script];
  const env = { DOWNBEAT_RECORD: "off" };
  const running = startProcess(process.execPath, args, { cwd: plane.project, env });
  expect(await running.exited).toBe(0);
  const { flights, low, middle, high } = JSON.parse(running.stdout()) as Record<string, number>;
  expect(flights).toBeGreaterThan(100);
  expect(low).toBeLessThan(middle ?? 0);
  expect(middle).toBeLessThan(high ?? 0);
});
