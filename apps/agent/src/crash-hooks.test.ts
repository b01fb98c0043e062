import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { chunkTag, findLogFlaws, openLogManifest } from "@downbeat/seal/log";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import type { Agent } from "./agent.ts";
import { anAgentWorld, type AgentWorld } from "./agent.fixture.ts";
import { CrashHooks } from "./crash-hooks.ts";
import type { FakeRun } from "./fake-report.fixture.ts";
import { ProcessLauncher } from "./launchers/process.ts";
import { createLogger } from "./logger.ts";
import { startAgent } from "./start-agent.ts";
import { workerOptions } from "./worker-options.fixture.ts";

const FLOWS = `
import { flow, log, runContext, task } from "@downbeat/sdk";
const isDead = task({ name: "look" }, async () => true);
const tell = async ({ noun, name, state, attempt, error }) => {
  log.warn(noun + " " + name + " " + state.name + "#" + attempt + " " + error.name + ": " + error.message, { runId: runContext().run.runId, looked: await isDead() });
};
export const exits = flow({ name: "exits", onCrashed: tell }, async () => { log.info("begun"); process.exit(3); });
export const killed = flow({ name: "killed", onCrashed: [tell, tell] }, async () => { process.kill(process.pid, "SIGKILL"); });
export const second = flow({ name: "second", retries: 1, retryDelay: 1, onCrashed: tell }, async () => {
  if (runContext().run.attempt === 1) throw new Error("first");
  process.exit(4);
});
export const throws = flow({ name: "throws", onCrashed: () => { throw new TypeError("no network"); } }, () => process.exit(3));
export const exitsAgain = flow({ name: "exitsAgain", onCrashed: () => process.exit(5) }, () => process.exit(3));
export const stuck = flow({ name: "stuck", onCrashed: () => new Promise(() => {}) }, () => process.exit(3));
export const fails = flow({ name: "fails", onCrashed: tell }, () => { throw new Error("no crash"); });
export const noop = flow({ name: "noop" }, async () => log.info("after"));
`;

let world: AgentWorld;
let agent: Agent;
beforeAll(async () => {
  world = await anAgentWorld(FLOWS);
  agent = await startAgent(world.config);
});
afterAll(async () => {
  await agent.kill();
  world.plane.close();
});

/** Once its log has ended: hooks come after the report. */
async function over(run: FakeRun): Promise<void> {
  await vi.waitUntil(() => run.manifests.length > 0, { timeout: 20_000 });
}

async function texts(run: FakeRun): Promise<string[]> {
  return (await world.logLines(run)).map(({ text }) => text);
}

test.each([
  ["exits", "exits Crashed#1 ProcessExit: The process that ran the flow exited with code 3", 1],
  ["killed", "killed Crashed#1 ProcessKilled: The process that ran the flow was killed by SIG", 2],
  ["second", "second Crashed#2 ProcessExit: The process that ran the flow exited with code 4", 1],
])(
  "another process calls the onCrashed hooks of a flow whose own is gone (%s)",
  async (name, text, times) => {
    const run = await world.offer(name);
    await over(run);
    expect(run.transitions.at(-1)).toMatchObject({ type: "CRASHED" });
    const told = (await world.logLines(run)).filter(({ level }) => level === "warn");
    expect(told).toHaveLength(times);
    expect(told[0]?.text).toContain(`flow ${text}`);
    expect(told[0]?.fields).toEqual({ runId: run.lease.runId, looked: true });
    expect(run.taskRuns.at(-1)).toMatchObject({ taskName: "look", type: "COMPLETED" });
    const manifests = run.manifests.map((part) =>
      openLogManifest(world.opener, run.lease.runId, part),
    );
    const flaws = findLogFlaws({
      chunks: run.logs.map(chunkTag),
      manifests: await Promise.all(manifests),
      lastEpoch: run.lease.epoch,
      isOver: true,
    });
    expect(flaws).toEqual([]);
  },
);

test.each([
  ["throws", 'the hook of flow "throws" for Crashed failed'],
  ["exitsAgain", "did not run to their end: their process ended (exit code 5, signal null)"],
])("what goes wrong in such a hook is told in the log (%s)", async (name, text) => {
  const run = await world.offer(name);
  await over(run);
  expect(run.transitions.map((transition) => transition.type)).toEqual(["RUNNING", "CRASHED"]);
  expect(await texts(run)).toEqual([expect.stringContaining(text)]);
  const next = await world.offer("noop");
  await over(next);
  expect(await texts(next)).toEqual(["after"]);
});

test("a flow that fails calls none", async () => {
  const run = await world.offer("fails");
  await over(run);
  expect(await texts(run)).toEqual([]);
});

test("a process whose hooks take too long is killed", async () => {
  const { project } = world.config;
  const launcher = new ProcessLauncher({ worker: workerOptions(project), limit: 1 });
  const hooks = new CrashHooks({ launcher, logger: createLogger("silent"), timeoutMs: 1 });
  const said: string[] = [];
  const egress = {
    events: () => {},
    printed: () => {},
    line: ({ text }: { text: string }) => said.push(text),
    endLog: async () => void said.push("end"),
  };
  const entrypoint = { modulePath: join(project, "flows.ts"), exportName: "stuck" };
  const call = { runId: randomUUID(), epoch: 1, attempt: 1, flowName: "stuck", ...entrypoint };
  await hooks.call({ call, error: { class: "OutOfMemory", message: "" }, egress });
  expect(said).toEqual([expect.stringContaining("they took longer than 0.001 s"), "end"]);
  expect(hooks.size).toBe(0);
  await launcher.close();
});
