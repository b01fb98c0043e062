import { expect, onTestFinished, test, vi } from "vitest";
import { anAgentWorld } from "./agent.fixture.ts";
import { startAgent } from "./start-agent.ts";

const FLOWS = `
import { flow } from "@downbeat/sdk";
export const brief = flow({ name: "brief" }, async () => { await new Promise((resolve) => setTimeout(resolve, 700)); });
`;

test("draining leaves the session open while ends are undelivered, so that a successor delivers them", async () => {
  const { offer, plane, config } = await anAgentWorld(FLOWS, { concurrency: 1 });
  onTestFinished(() => plane.close());
  const agent = await startAgent(config);
  onTestFinished(() => agent.kill());
  const run = await offer("brief");
  await vi.waitUntil(() => run.type === "RUNNING", { timeout: 10_000 });
  plane.behave = (name) => (name === "report" ? "fail" : "answer");
  await agent.stop();
  expect(plane.bodies("release").filter(({ endSession }) => endSession === true)).toEqual([]);
  plane.behave = () => "answer";
  const successor = await startAgent(config);
  onTestFinished(() => successor.kill());
  expect(run.type).toBe("COMPLETED");
  expect(plane.endedSessionIds).toEqual([agent.sessionId]);
}, 30_000);
