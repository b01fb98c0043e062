import { randomUUID } from "node:crypto";
import { leasesOf, type Lease } from "@downbeat/contract";
import { claimWith, type TestAgent, type TestApi, type TestWorkspace } from "./api-harness.ts";

/** A pool, a deployment on it, and an agent that polls it. */
export type Stage = {
  readonly poolName: string;
  readonly flowName: string;
  readonly agent: TestAgent;
  /** Triggers the deployment; returns the run's id. */
  readonly trigger: () => Promise<string>;
};

let stages = 0;

/** Makes a pool, a deployment and an agent of a test's own, so that tests do not take each other's runs. */
export async function aStage(api: TestApi, { admin, ...workspace }: TestWorkspace): Promise<Stage> {
  const number = (stages += 1);
  const poolName = `pool-${number}`;
  const flowName = `flow-${number}`;
  await admin.call("createPool", { body: { name: poolName } });
  await workspace.deploy(flowName, poolName);
  const agent = await api.enrol({ admin, ...workspace }, { poolName });
  const trigger = async () => (await admin.call("createRun", { body: { flowName } })).id;
  return { poolName, flowName, agent, trigger };
}

/** Triggers a run and claims it. */
export async function aLease(
  stage: Stage,
): Promise<{ readonly lease: Lease; readonly sessionId: string }> {
  await stage.trigger();
  const { sessionId, leases } = await claimWith(stage.agent, 1);
  if (leases[0] === undefined) throw new Error("The run was not claimed.");
  return { lease: leases[0], sessionId };
}

export async function openSession(agent: TestAgent, capacity = 10): Promise<string> {
  return (await agent.caller.call("openSession", { body: { capacity, version: "test" } }))
    .sessionId;
}

/** Claims up to ten runs without waiting, unless told otherwise. */
export async function claim(
  agent: TestAgent,
  sessionId: string,
  body: object = {},
): Promise<{ readonly leases: Lease[]; readonly drain: boolean }> {
  const defaults = { sessionId, claimRequestId: randomUUID(), max: 10, waitSeconds: 0 };
  const answer = await agent.caller.call("claim", { body: { ...defaults, ...body } });
  return { leases: leasesOf(answer), drain: answer.drain };
}

/** Reports items; returns the status of each. */
export async function report(agent: TestAgent, ...items: object[]): Promise<string[]> {
  const { outcomes } = await agent.caller.call("report", { body: { items } as never });
  return outcomes.map(({ status }) => status);
}

/** Whether an answer is outstanding for longer than a request takes that finds nothing to do. */
export async function isHeld(answer: Promise<unknown>): Promise<boolean> {
  const patience = new Promise<"held">((resolve) => setTimeout(() => resolve("held"), 150));
  return (await Promise.race([answer, patience])) === "held";
}
