import { execFile } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import type { StateName } from "@downbeat/contract";
import { waitFor } from "@downbeat/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Plane } from "./plane.ts";
import { startProcess, type RunningProcess } from "./process.ts";

const require = createRequire(import.meta.url);
const EXAMPLES = dirname(require.resolve("@downbeat/examples/package.json"));
const TSX = pathToFileURL(createRequire(join(EXAMPLES, "package.json")).resolve("tsx")).href;

const SERVED = `import { artifact, flow, log, runContext, runDeployment, serve, task } from "@downbeat/sdk";
import { setTimeout as delay } from "node:timers/promises";
const step = task({ name: "step", limits: ["door"], tags: ["gate"] }, async (n) => { log.info("step " + n); return n; });
const counts = flow({ name: "counts" }, async ({ n }) => { await step(n); artifact.markdown("seen", "# step " + n); });
const onCrashed = ({ state, error }) => log.warn(state.name + ": " + error.name);
const waits = flow({ name: "waits", onCrashed, onCancelled: () => console.log("told of a cancellation") }, async ({ ms }) => { console.log("begun " + ms); await delay(ms, undefined, { signal: runContext().signal }); });
const fails = flow({ name: "fails" }, async () => { throw new TypeError("row 7"); });
const calls = flow({ name: "calls" }, async () => { await runDeployment("counts", { parameters: { n: 3 } }); });
const stumbles = flow({ name: "stumbles" }, async () => { if (runContext().run.attempt === 1) throw new Error("once"); });
const terms = { deployment: "twice", retry: { retriesOnFailure: 1, delaySeconds: 0 }, limits: ["yard"], tags: ["kept"] };
await stumbles.serve(terms);
const serving = await serve(counts, waits, fails, calls, { concurrency: 4, drainSeconds: Number(process.env.DRAIN_SECONDS) });
console.log("serving");
await serving.stopped;
console.log("stopped");
`;

let plane: Plane;
let env: Record<string, string>;

beforeAll(async () => {
  plane = await Plane.create();
  await plane.startApi();
  await plane.logIn();
  await plane.cliOk(["limit", "set", "door", "--slots", "1"]);
  await plane.cliOk(["limit", "set", "yard", "--slots", "0"]);
  env = { DOWNBEAT_HOME: plane.customerHome };
});
afterAll(() => plane.dispose());

const statesOf = async (runId: string): Promise<StateName[]> =>
  (await plane.client().call("listRunStates", { params: { runId } })).items.map(({ name }) => name);

async function startServed(drainSeconds = 20): Promise<RunningProcess> {
  const script = join(plane.project, "served.mjs");
  await writeFile(script, SERVED);
  const served = startProcess(process.execPath, [script], {
    cwd: plane.project,
    env: { ...env, DRAIN_SECONDS: String(drainSeconds) },
  });
  plane.processes.push(served);
  await served.waitForOutput(/serving/, 60_000);
  return served;
}

it("registers flows and executes their runs in its own process, sealed as an agent would", async () => {
  const served = await startServed();
  const done = await plane.trigger("counts", { n: 7 });
  await plane.reaches(done, "Completed");
  const logs = await plane.cliOk(["runs", "logs", done]);
  expect(logs.stdout).toContain("step: step 7");
  expect((await plane.cliOk(["runs", "artifacts", done])).stdout).toContain("# step 7");
  await plane.cliOk(["key", "rotate"]);
  const gate = (slots: string) =>
    plane.cliOk(["limit", "set", "gate", "--slots", slots, "--tag", "gate"]);
  await gate("0");
  const gated = await plane.trigger("counts", { n: 8 });
  const steps = () => plane.client().call("listTaskRuns", { params: { runId: gated }, query: {} });
  const isWaiting = async () => (await steps()).items[0]?.state.name === "AwaitingConcurrencySlot";
  await waitFor(isWaiting, { describe: "the task to wait for a slot of the limit on its tag" });
  await gate("1");
  await plane.reaches(gated, "Completed");
  const failed = await plane.trigger("fails");
  await plane.reaches(failed, "Failed");
  expect((await plane.cliOk(["runs", "view", failed])).stdout).toContain("row 7");
  const parent = await plane.trigger("calls");
  await plane.reaches(parent, "Completed");
  const { items } = await plane.client().call("listRuns", { query: { flowName: "counts" } });
  expect(items.map(({ parentRunId }) => parentRunId)).toContain(parent);

  const waiting = await plane.trigger("waits", { ms: 60000 });
  await served.waitForOutput(/begun 60000/);
  await plane.cancel(waiting);
  await plane.reaches(waiting, "Cancelled");

  // Longer than a lease: it is kept while the process drains.
  const last = await plane.trigger("waits", { ms: 9000 });
  await served.waitForOutput(/begun 9000/);
  expect(await served.kill("SIGTERM")).toBe(0);
  expect(served.stdout()).toContain("stopped");
  expect((await plane.client().call("listAgents", { query: {} })).items).toEqual([]);
  expect((await plane.read(last)).agentName).toMatch(/^serve-.*-[0-9a-f]{8}$/);
  expect(await statesOf(last)).toEqual(["Scheduled", "Pending", "Running", "Completed"]);
});

it("serves under the terms it is given, as the version that its repository has", async () => {
  const git = async (...args: string[]) =>
    (await promisify(execFile)("git", args, { cwd: plane.project })).stdout.trim();
  await writeFile(join(plane.project, ".gitignore"), "node_modules\n");
  await writeFile(join(plane.project, "served.mjs"), SERVED);
  await git("init", "--quiet");
  await git("add", ".");
  await git("-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", "all");
  const served = await startServed();
  const names = { flowName: "stumbles", deploymentName: "twice" };
  expect(await plane.client().call("readDeployment", { params: names })).toMatchObject({
    poolName: "serve",
    tags: ["kept"],
    limitNames: ["yard"],
    retry: { retriesOnFailure: 1 },
  });
  const params = { flowName: "stumbles" };
  const versions = await plane.client().call("listFlowVersions", { params, query: {} });
  expect(versions.items[0]?.gitSha).toBe(await git("rev-parse", "HEAD"));
  const { id: runId } = await plane.client().call("createRun", { body: names });
  await plane.reaches(runId, "AwaitingConcurrencySlot");
  expect((await plane.cliOk(["runs", "why", runId])).stdout).toContain('The limit "yard"');
  await plane.cliOk(["limit", "set", "yard", "--slots", "1"]);
  await plane.reaches(runId, "Completed");
  await served.kill("SIGTERM");
  expect(await statesOf(runId)).toEqual([
    "Scheduled",
    "AwaitingConcurrencySlot",
    "Pending",
    "Running",
    "AwaitingRetry",
    "Pending",
    "Running",
    "Completed",
  ]);
});

it("killed, it is an agent that died: its run is unreachable, then crashed", async () => {
  const served = await startServed();
  const runId = await plane.trigger("waits", { ms: 70000 });
  await served.waitForOutput(/begun 70000/);
  await served.kill("SIGKILL");
  await plane.reaches(runId, "Unreachable");
  await plane.reaches(runId, "Crashed");
  expect(await statesOf(runId)).toEqual([
    "Scheduled",
    "Pending",
    "Running",
    "Unreachable",
    "Crashed",
  ]);
});

it("what outlasts the drain time is not called cancelled: it ends as crashed, and at once", async () => {
  const served = await startServed(1);
  const runId = await plane.trigger("waits", { ms: 80000 });
  await served.waitForOutput(/begun 80000/);
  expect(await served.kill("SIGTERM")).toBe(0);
  expect((await plane.read(runId)).reason).toBe("process_exited");
  expect((await plane.cliOk(["runs", "logs", runId])).stdout).toContain("Crashed: ProcessExit");
  expect(served.stdout()).not.toContain("told of a cancellation");
});

it("the example serves a flow and a background task", async () => {
  const results = join(plane.folder, "results");
  await mkdir(results);
  const example = startProcess(process.execPath, ["--import", TSX, join(EXAMPLES, "serve.ts")], {
    cwd: EXAMPLES,
    env: { ...env, EXAMPLE_RESULTS_DIR: results },
  });
  plane.processes.push(example);
  await example.waitForOutput(/serving/, 60_000);
  await plane.reaches(await plane.trigger("seattle-weather", { year: 2013 }), "Completed");
  await plane.reaches(await plane.trigger("send-mail", { args: ["ann", "hello"] }), "Completed");
  expect(await readFile(join(results, "outbox.txt"), "utf8")).toBe("ann: hello\n");
  await example.kill("SIGTERM");
});
