import { readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { TaskRun } from "@downbeat/contract";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Plane } from "./plane.ts";
import { startProcess } from "./process.ts";

const fromSdk = createRequire(new URL("../../packages/sdk/package.json", import.meta.url));
const TSX = pathToFileURL(fromSdk.resolve("tsx")).href;

const QUERIES = `
import { appendFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { flow, task } from "@downbeat/sdk";
let open = 0;
const query = task({ name: "query", tags: ["warehouse"] }, async (file) => {
  await appendFile(file, ++open + "\\n");
  await delay(50);
  open--;
});
export const queries = flow({ name: "queries" }, async ({ file }) => { await query.map([1, 2, 3, 4].map(() => file)); });
`;

let plane: Plane;

beforeAll(async () => {
  plane = await Plane.create();
  await writeFile(join(plane.project, "flows/queries.mjs"), QUERIES);
  await plane.startApi();
  await plane.logIn();
  await plane.cliOk(["deploy", "flows/task-engine.ts", "flows/queries.mjs"]);
  await plane.startAgent();
});
afterAll(() => plane.dispose());

/** Runs a flow to its end; its task runs and its log. */
async function ran(flowName: string): Promise<{ taskRuns: TaskRun[]; log: string }> {
  const runId = await plane.trigger(flowName);
  await plane.reaches(runId, "Completed");
  const { items } = await plane.client().call("listTaskRuns", { params: { runId }, query: {} });
  const logs = await plane.cliOk(["runs", "logs", runId]);
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

it("a limit on a tag holds for the tasks that carry it, from the next run on", async () => {
  expect(await mostAtOnce("unlimited")).toBe(4);
  await plane.cliOk(["limit", "set", "warehouse", "--slots", "2", "--tag", "warehouse"]);
  const { stdout } = await plane.cliOk(["limit", "ls"]);
  expect(stdout).toMatch(/warehouse +0 of 2 +none +warehouse/);
  expect(await mostAtOnce("limited")).toBe(2);
  await plane.cliOk(["limit", "set", "warehouse", "--slots", "2"]);
  expect(await mostAtOnce("untagged")).toBe(4);
});

/** Runs the flow; the most of its tasks that were open at once. */
async function mostAtOnce(name: string): Promise<number> {
  const file = join(plane.folder, name);
  await plane.reaches(await plane.trigger("queries", { file }), "Completed");
  const lines = (await readFile(file, "utf8")).trim().split("\n").map(Number);
  expect(lines).toHaveLength(4);
  return Math.max(...lines);
}

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
