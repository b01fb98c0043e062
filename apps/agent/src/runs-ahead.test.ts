import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { anAgentWorld } from "./agent.fixture.ts";
import { startAgent } from "./start-agent.ts";

const FLOWS = `
import { appendFileSync } from "node:fs";
import { flow, runContext } from "@downbeat/sdk";
let calls = 0;
export const note = flow({ name: "note" }, async () => {
  appendFileSync("begun", runContext().run?.runId + "\\n");
  if (++calls === 150) process.kill(process.pid, "SIGKILL");
});`;

const cleanUp: (() => Promise<unknown> | void)[] = [];

afterEach(async () => {
  for (const clean of cleanUp.splice(0).toReversed()) await clean();
});

test("of short runs in a process that dies, those that have not begun run elsewhere, each once", async () => {
  const { plane, config, offer } = await anAgentWorld(FLOWS, { concurrency: 2 });
  cleanUp.push(() => plane.close());
  const agent = await startAgent(config);
  cleanUp.push(() => agent.kill());
  const runs = await Promise.all(Array.from({ length: 400 }, () => offer("note")));
  const isOver = ({ type }: { type: string }) => type === "COMPLETED" || type === "CRASHED";
  await vi.waitUntil(() => runs.every(isOver), { timeout: 60_000 });
  const begun = readFileSync(join(config.project, "begun"), "utf8").trim().split("\n");
  expect(begun.toSorted()).toEqual(runs.map(({ lease }) => lease.runId).toSorted());
  const crashed = runs.filter(({ type }) => type === "CRASHED");
  // One for each process that died: all others had not begun there.
  expect(crashed.length).toBeGreaterThanOrEqual(1);
  expect(crashed.length).toBeLessThanOrEqual(2);
}, 70_000);
