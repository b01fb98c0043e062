import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createKeyset, type WorkspaceKeyset } from "@downbeat/seal";
import { writeKeyset } from "@downbeat/seal/node";
import { afterEach, expect, test, vi } from "vitest";
import { anAgentWorld, type AgentWorld } from "./agent.fixture.ts";
import type { FakeRun } from "./fake-report.fixture.ts";
import { isAlive } from "./is-alive.fixture.ts";
import { SOURCE_WORKER } from "./worker-options.fixture.ts";

const FLOWS = `
import { spawn } from "node:child_process";
import { appendFileSync } from "node:fs";
import { flow, log } from "@downbeat/sdk";
const onCrashed = ({ state, error }) => log.warn(state.name + ": " + error.name);
export const sleeps = flow({ name: "sleeps", onCrashed }, async () => {
  appendFileSync("pids", spawn("sleep", ["300"], { stdio: "ignore" }).pid + "\\n");
  log.info("asleep");
  await new Promise((resolve) => setTimeout(resolve, 120_000));
});
export const brief = flow({ name: "brief" }, async () => { log.info("begun"); await new Promise((resolve) => setTimeout(resolve, 700)); });
export const environment = flow({ name: "environment" }, async () => { log.info(JSON.stringify(process.env)); });
`;

const cleanUp: (() => void)[] = [];

afterEach(() => {
  for (const clean of cleanUp.splice(0).toReversed()) clean();
});

type Started = { process: ChildProcess; output: () => string; exit: Promise<unknown[]> };

/** The agent as a process of its own, from source. */
function startMain(world: AgentWorld, environment: Record<string, string> = {}): Started {
  const { config } = world;
  const args = ["--name", "main", "--concurrency", "1", "--project", config.project];
  // The agent forks workers with plain Node, so its own loader is what lets them run from source here.
  const loader = [
    SOURCE_WORKER.execArgv[0] ?? "",
    `--import=${SOURCE_WORKER.execArgv[2] ?? ""}`,
  ].join(" ");
  const main = fileURLToPath(new URL("main.ts", import.meta.url));
  const child = spawn(process.execPath, [main, ...args], {
    env: {
      PATH: "/usr/local/bin:/usr/bin:/bin",
      NODE_OPTIONS: loader,
      DOWNBEAT_HOME: config.home,
      DOWNBEAT_API_URL: config.apiUrl,
      DOWNBEAT_API_KEY: "dnb_test",
      DOWNBEAT_KEY_FILE: config.keyFile ?? "",
      DOWNBEAT_READY_LINE: "1",
      DOWNBEAT_LOG_LEVEL: "info",
      ...environment,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
  cleanUp.push(() => child.kill("SIGKILL"));
  return { process: child, output: () => output, exit: once(child, "exit") };
}

async function aWorld(): Promise<AgentWorld> {
  const world = await anAgentWorld(FLOWS);
  cleanUp.push(() => world.plane.close());
  return world;
}

const begun = (run: FakeRun) => vi.waitUntil(() => run.logs.length > 0, { timeout: 20_000 });
const story = (run: FakeRun) => run.transitions.map(({ name, reason }) => `${name}: ${reason}`);

test("after kill -9 the next agent kills what was left, reports it once, calls its hooks, and names the sessions that are over", async () => {
  const world = await aWorld();
  const first = startMain(world);
  const run = await world.offer("sleeps");
  await begun(run);
  const pid = Number(readFileSync(join(world.config.project, "pids"), "utf8"));
  process.kill(first.process.pid ?? 0, "SIGKILL");
  await first.exit;
  const second = startMain(world);
  await vi.waitUntil(() => run.type === "CRASHED", { timeout: 20_000 });
  expect(story(run)).toEqual(["Running: started", "Crashed: agent_restarted"]);
  await vi.waitUntil(() => world.plane.endedSessionIds.length === 1, { timeout: 10_000 });
  // A grandchild: it would outlive the flow's process, which ends by itself once its agent is gone.
  await vi.waitUntil(() => !isAlive(pid), { timeout: 10_000 });
  expect(second.output()).toContain("killed a process group");
  await vi.waitUntil(() => run.logs.length > 1, { timeout: 20_000 });
  const lines = await world.logLines(run);
  expect(lines.map(({ text }) => text)).toEqual(["asleep", "Crashed: AgentRestarted"]);
  expect(run.logs.map(({ sequence }) => sequence)).toEqual([0, 1]);
  second.process.kill("SIGTERM");
  expect(await second.exit).toEqual([0, null]);
}, 60_000);

test("on SIGTERM the running flow finishes and the process exits with 0; its log names no customer data", async () => {
  const world = await aWorld();
  const agent = startMain(world);
  const run = await world.offer("brief", { secret: "marker-7c1" });
  await begun(run);
  expect(agent.output()).toMatch(/\{"agent":"[0-9a-f-]{36}","session":"[0-9a-f-]{36}"\}/);
  agent.process.kill("SIGTERM");
  expect(await agent.exit).toEqual([0, null]);
  expect(run.type).toBe("COMPLETED");
  expect(agent.output()).not.toMatch(/marker-7c1|begun|flows\.ts/);
}, 60_000);

test("a second signal kills what still runs, and says so to the plane", async () => {
  const world = await aWorld();
  const agent = startMain(world);
  const run = await world.offer("sleeps");
  await begun(run);
  agent.process.kill("SIGINT");
  await vi.waitUntil(() => agent.output().includes("draining"), { timeout: 10_000 });
  expect(run.type).toBe("RUNNING");
  agent.process.kill("SIGINT");
  expect(await agent.exit).toEqual([0, null]);
  expect(story(run)).toEqual(["Running: started", "Crashed: process_killed"]);
}, 60_000);

test("a wrong or missing key ends it with 7 and the id of the key that is needed", async () => {
  const world = await aWorld();
  const keyset = await createKeyset({ workspaceId: world.dataKey.workspaceId, now: new Date() });
  const other = join(world.config.home, "other.json");
  await writeKeyset(other, keyset);
  const needed = JSON.parse(readFileSync(world.config.keyFile ?? "", "utf8")) as { keyId: string };
  const wrong = startMain(world, { DOWNBEAT_KEY_FILE: other });
  expect(await wrong.exit).toEqual([7, null]);
  expect(wrong.output()).toContain("key_wrong");
  expect(wrong.output()).toContain(needed.keyId);
  expect(wrong.output()).toContain(keyset.keyId);
  const missing = startMain(world, { DOWNBEAT_KEY_FILE: "" });
  expect(await missing.exit).toEqual([7, null]);
  expect(missing.output()).toContain(needed.keyId);
}, 60_000);

test.each(["warm", "process"])(
  "a key in the environment wins over a file, and neither flows (%s) nor the log get to see it",
  async (launcher) => {
    const world = await aWorld();
    const json = readFileSync(world.config.keyFile ?? "", "utf8");
    const keyText = Buffer.from(json).toString("base64url");
    const { privateJwk, authKey } = JSON.parse(json) as WorkspaceKeyset;
    const keys = { DOWNBEAT_KEY: keyText, DOWNBEAT_KEY_FILE: "/nowhere.json" };
    const agent = startMain(world, { ...keys, DOWNBEAT_LAUNCHER: launcher, SEEN: "yes" });
    const run = await world.offer("environment");
    await vi.waitUntil(() => run.type === "COMPLETED", { timeout: 20_000 });
    agent.process.kill("SIGTERM");
    expect(await agent.exit).toEqual([0, null]);
    const [line] = await world.logLines(run);
    expect(line?.text).toContain('"SEEN":"yes"');
    for (const told of [line?.text, agent.output()]) {
      expect(told).not.toMatch(/DOWNBEAT_KEY/);
      for (const secret of [keyText, privateJwk.d, authKey]) expect(told).not.toContain(secret);
    }
  },
  60_000,
);

test("a key in the environment that is none ends it with 7, unquoted", async () => {
  const world = await aWorld();
  const keyText = readFileSync(world.config.keyFile ?? "", "utf8").slice(5);
  const broken = startMain(world, { DOWNBEAT_KEY: keyText });
  expect(await broken.exit).toEqual([7, null]);
  expect(broken.output()).toMatch(/key_wrong: DOWNBEAT_KEY holds neither/);
  expect(broken.output()).not.toContain(keyText.slice(0, 50));
}, 60_000);

test("bad settings end it with 2, all of them named", async () => {
  const world = await aWorld();
  const agent = startMain(world, { DOWNBEAT_QUEUES: "?", DOWNBEAT_LAUNCHER: "x" });
  expect(await agent.exit).toEqual([2, null]);
  expect(agent.output()).toContain("DOWNBEAT_LAUNCHER");
}, 60_000);
