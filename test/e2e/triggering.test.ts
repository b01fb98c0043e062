import { readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Deployment, Run } from "@downbeat/contract";
import { waitFor } from "@downbeat/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Plane } from "./plane.ts";
import { startProcess } from "./process.ts";

const require = createRequire(import.meta.url);
const SDK = require.resolve("@downbeat/sdk/package.json");

// OpenTelemetry as the SDK has it: the project of these tests has none.
const TRACED = `import { createRequire } from "node:module";
import { appendFile } from "node:fs/promises";
import { flow, runDeployment } from "@downbeat/sdk";
const require = createRequire(${JSON.stringify(SDK)});
const { context, trace } = require("@opentelemetry/api");
const { AsyncLocalStorageContextManager } = require("@opentelemetry/context-async-hooks");
const { BasicTracerProvider } = require("@opentelemetry/sdk-trace-base");
trace.setGlobalTracerProvider(new BasicTracerProvider());
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
const note = () => appendFile(process.env.E2E_FOLDER + "/traces", trace.getActiveSpan().spanContext().traceId + "\\n");
export const tracedChild = flow({ name: "traced-child" }, note);
export const tracedParent = flow({ name: "traced-parent" }, async () => { await note(); await runDeployment("traced-child"); });
`;

let plane: Plane;
let triggerUrl: string;

beforeAll(async () => {
  plane = await Plane.create();
  await plane.startApi();
  await plane.logIn();
  await writeFile(join(plane.project, "flows/traced.mjs"), TRACED);
  const names = ["children.ts", "gated.ts", "markers.ts", "traced.mjs"];
  const modules = names.map((name) => `flows/${name}`);
  await plane.cliOk(["deploy", ...modules, "--retries-on-crash", "1", "--retry-delay", "100ms"]);
  const agent = await plane.startAgent(["--concurrency", "4", "--trigger-port", "0"]);
  triggerUrl = (await agent.waitForOutput(/"url":"(http[^"]+)"/))[1] ?? "";
});
afterAll(() => plane.dispose());

const linesOf = async (file: string): Promise<string[]> =>
  (await readFile(join(plane.folder, file), "utf8").catch(() => "")).split("\n").filter(Boolean);
async function childrenOf(runId: string, flowName = "child"): Promise<Run[]> {
  const { items } = await plane.client().call("listRuns", { query: { flowName } });
  return items.filter((run) => run.parentRunId === runId);
}

it("a flow runs deployments elsewhere, waits, and is told how each ended", async () => {
  const runId = await plane.trigger("parent");
  await plane.reaches(runId, "Completed");
  expect(await linesOf("parent")).toEqual(["COMPLETED FAILED"]);
  const children = await childrenOf(runId);
  expect(children.map(({ state }) => state.type).toSorted()).toEqual(["COMPLETED", "FAILED"]);
  expect(children.filter(({ tags }) => tags.includes("from-parent"))).toHaveLength(1);
  expect(children.map(({ createdBy }) => createdBy.kind)).toEqual(["agent", "agent"]);
});

it("a child goes on in the trace of its parent", async () => {
  await plane.reaches(await plane.trigger("traced-parent"), "Completed");
  const [parents, childs, ...more] = await linesOf("traces");
  expect(childs).toMatch(/^[0-9a-f]{32}$/);
  expect([parents, more]).toEqual([childs, []]);
});

it("a parent that runs again finds the child that it has triggered before", async () => {
  const runId = await plane.trigger("parent-dies-once");
  await plane.reaches(runId, "Completed");
  expect((await plane.read(runId)).epoch).toBe(2);
  const [first, second] = await linesOf("dies-once");
  expect(second).toBe(first);
  expect(await childrenOf(runId)).toHaveLength(1);
});

it("an attempt that comes after has a child that ended badly done anew", async () => {
  const runId = await plane.trigger("parent-of-failing");
  await plane.reaches(runId, "Completed");
  const lines = (await linesOf("of-failing")).map((line) => line.split(" "));
  expect(lines.map(([, type]) => type)).toEqual(["FAILED", "COMPLETED"]);
  expect(await childrenOf(runId)).toHaveLength(2);
});

it("parameters that do not fit the registered schema are refused before a run is made", async () => {
  const runId = await plane.trigger("parent-of-refused");
  await plane.reaches(runId, "Completed");
  expect((await linesOf("refused")).join()).toMatch(/flow "child".*note/);
  expect(await childrenOf(runId)).toEqual([]);
});

it("cancelling a parent cancels the child that it waits for", async () => {
  const runId = await plane.trigger("parent-of-gated");
  const child = await waitFor(async () => (await childrenOf(runId, "gated"))[0], {
    describe: "the child",
  });
  await plane.reaches(child.id, "Running");
  await plane.cancel(runId);
  await plane.reaches(child.id, "Cancelled");
  await plane.reaches(runId, "Cancelled");
  expect(await linesOf("child-gate.passed")).toEqual([]);
});

it("a plain script triggers with its profile; inside a recorded flow the run is its child", async () => {
  const script = join(plane.project, "triggers.mjs");
  await writeFile(
    script,
    `import { flow, remoteRun, runDeployment } from "@downbeat/sdk";
    const alone = await runDeployment("child/default", { parameters: { note: "script" } });
    const twice = async () => (await runDeployment("child", { parameters: { note: "keyed" }, idempotencyKey: "order 7", wait: false })).runId;
    const keyed = new Set([await twice(), await twice()]);
    const inside = await flow({ name: "nightly" }, () => runDeployment("child", { parameters: { note: "inside" } }))();
    const late = await runDeployment("gated", { parameters: { gate: "script" }, timeoutMs: 200 }).catch((error) => error.code);
    const missing = await runDeployment("nothing").catch((error) => error.code);
    const looked = await remoteRun(alone.runId).status();
    console.log(JSON.stringify({ alone: alone.state.type, keyed: keyed.size, inside: inside.runId, late, missing, looked: looked.state.type }));
    process.exit(0);`,
  );
  const env = { DOWNBEAT_HOME: plane.customerHome };
  const running = startProcess(process.execPath, [script], { cwd: plane.project, env });
  expect([await running.exited, running.stderr()]).toEqual([0, ""]);
  const told = JSON.parse(running.stdout()) as { inside: string };
  expect(told).toMatchObject({
    alone: "COMPLETED",
    keyed: 1,
    late: "wait_timed_out",
    missing: "flow_not_found",
    looked: "COMPLETED",
  });
  const { parentRunId } = await plane.read(told.inside);
  expect((await plane.read(parentRunId ?? "")).flowName).toBe("nightly");
});

it("a flow called from a plain script is recorded, and its log opens, without an agent", async () => {
  const script = join(plane.project, "weekly.mjs");
  await writeFile(
    script,
    `import { flow, log, task } from "@downbeat/sdk";
    const clean = task({ name: "clean" }, async (rows) => { log.info("script-line", { rows }); return [rows]; });
    const weekly = flow({ name: "weekly" }, async (rows) => (await clean(rows)).length);
    console.log(await weekly(3));
    process.exit(5);`,
  );
  const env = { DOWNBEAT_HOME: plane.customerHome };
  const running = startProcess(process.execPath, [script], { cwd: plane.project, env });
  expect([await running.exited, running.stdout()]).toEqual([5, "1\n"]);

  const { items } = await plane.client().call("listRuns", { query: { flowName: "weekly" } });
  expect(items.map((run: Run) => [run.state.type, run.taskRunCount])).toEqual([["COMPLETED", 1]]);
  const logs = await plane.cliOk(["runs", "logs", items[0]?.id ?? ""]);
  expect(logs.stdout).toContain('clean: script-line {"rows":3}');
});

it("a trigger port runs a flow with parameters in plain JSON, once per idempotency key, and checks them first", async () => {
  const secret = "marker-trigger-3c90af";
  const once = { "idempotency-key": "invoice 2026-03" };
  const first = await post("/run/markers", { secret }, once);
  expect(first.status).toBe(201);
  const { runId = "" } = first.answer;
  expect((await post("/run/markers", { secret }, once)).answer).toMatchObject({ runId });
  await plane.reaches(runId, "Completed");
  expect((await plane.cliOk(["runs", "logs", runId])).stdout).toContain(secret);
  expect(await post("/run/markers", { secret: 7 })).toMatchObject({
    status: 422,
    answer: { code: "parameters_invalid" },
  });
  expect((await post("/run/no-such-flow", {})).status).toBe(404);
});

async function post(path: string, parameters: object, headers: Record<string, string> = {}) {
  const response = await fetch(`${triggerUrl}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(parameters),
  });
  const answer = (await response.json()) as { runId?: string; code?: string };
  return { status: response.status, answer };
}

it("a project of more flows than a request takes is deployed whole", async () => {
  const flows = `import { flow } from "@downbeat/sdk";
    ${Array.from({ length: 130 }, (_, at) => `export const f${at} = flow({ name: "many-${at}" }, () => ${at});`).join("\n")}`;
  await writeFile(join(plane.project, "flows/many.mjs"), flows);
  const { deployments } = await plane.cliJson<{ deployments: Deployment[] }>([
    "deploy",
    "flows/many.mjs",
  ]);
  expect(new Set(deployments.map(({ flowName }) => flowName)).size).toBe(130);
  await plane.reaches(await plane.trigger("many-129"), "Completed");
});

it("a project's configuration says which deployments it has, and with what", async () => {
  const config = join(plane.project, "downbeat.config.mjs");
  await writeFile(
    config,
    `import { defineConfig } from "@downbeat/sdk";
    export default defineConfig({
      limits: { doors: { slots: 2 } },
      deployments: {
        child: { tags: ["small"], parameters: { note: "configured" } },
        "child/second": { limits: ["doors"], retry: { retriesOnCrash: 1 }, timeoutSeconds: 60 },
      },
    });`,
  );
  await plane.cliOk(["deploy", "flows/children.ts", "--tag", "by-hand"]);
  const deployment = (deploymentName: string) =>
    plane.client().call("readDeployment", { params: { flowName: "child", deploymentName } });
  expect((await deployment("default")).tags).toEqual(["small", "by-hand"]);
  expect(await deployment("second")).toMatchObject({
    limitNames: ["doors"],
    timeoutSeconds: 60,
    retry: { retriesOnCrash: 1, retriesOnFailure: 0 },
  });
  await plane.reaches(await plane.trigger("child"), "Completed");
  expect(await linesOf("children")).toContain("configured");

  const alone = `import { flow } from "@downbeat/sdk"; export const alone = flow({ name: "alone", exclusive: true }, () => 1);`;
  await writeFile(join(plane.project, "flows/alone.mjs"), alone);
  const exclusiveOnce = async (deployments: object): Promise<boolean> => {
    await writeFile(config, `export default ${JSON.stringify({ deployments })};`);
    const { deployments: made } = await plane.cliJson<{ deployments: Deployment[] }>([
      "deploy",
      "flows/alone.mjs",
    ]);
    return made[0]?.exclusive === true;
  };
  expect(await exclusiveOnce({})).toBe(true);
  expect(await exclusiveOnce({ alone: { exclusive: false } })).toBe(false);

  await writeFile(config, `export default { deployments: { child: { tag: ["x"] } } };`);
  const refused = await plane.cli(["deploy", "flows/children.ts"]);
  expect([refused.code, refused.stderr]).toEqual([
    2,
    expect.stringContaining("deployments.child.tag"),
  ]);
});
