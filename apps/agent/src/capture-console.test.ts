import { afterEach, expect, test, vi } from "vitest";
import { anAgentWorld } from "./agent.fixture.ts";
import { startAgent } from "./start-agent.ts";

const FLOWS = `
import { flow, task } from "@downbeat/sdk";
const speak = task({ name: "speak" }, async () => console.warn("careful"));
export const speaks = flow({ name: "speaks" }, () => speak());
export const prints = flow({ name: "prints", captureConsole: false }, () => speak());
`;

const cleanUp: (() => Promise<unknown> | void)[] = [];
afterEach(async () => {
  for (const clean of cleanUp.splice(0).toReversed()) await clean();
});

test.each([
  { captureConsole: false, speaks: ["error", "stderr"], prints: ["error", "stderr"] },
  { captureConsole: true, speaks: ["warn", "speak"], prints: ["error", "stderr"] },
])("captureConsole $captureConsole", async ({ captureConsole, ...expected }) => {
  const { plane, config, offer, logLines } = await anAgentWorld(FLOWS, { captureConsole });
  cleanUp.push(() => plane.close());
  const agent = await startAgent(config);
  cleanUp.push(() => agent.kill());
  for (const name of ["speaks", "prints"] as const) {
    const run = await offer(name);
    await vi.waitUntil(() => run.type === "COMPLETED", { timeout: 20_000 });
    const lines = await logLines(run);
    expect(lines.map(({ level, logger, text }) => [level, logger, text])).toEqual([
      [...expected[name], "careful"],
    ]);
  }
});
