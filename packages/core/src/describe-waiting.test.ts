import { WAITING_CODES, type WaitingCode } from "@downbeat/contract";
import { describe, expect, it } from "vitest";
import { describeWaiting, explainWaiting } from "./describe-waiting.ts";
import type { LimitFacts, WaitingFacts } from "./waiting-facts.ts";
import { WAITING_REASONS } from "./waiting-reasons.ts";

const NOW = new Date("2026-03-01T12:00:00.000Z");
const RUNS = ["run-a", "run-b"];

function full(limit = 2, taken = limit): LimitFacts {
  return { limit, taken, heldBy: RUNS };
}

function facts(changes: Partial<WaitingFacts> = {}): WaitingFacts {
  return {
    stateType: "SCHEDULED",
    stateName: "Scheduled",
    stateAt: NOW,
    reason: "created",
    cause: null,
    pause: null,
    scheduledFor: NOW,
    poolName: "eu",
    queueName: "default",
    poolPaused: false,
    queuePaused: false,
    deploymentPaused: false,
    onlineAgents: 1,
    fittingAgents: 1,
    servingAgents: 1,
    requiredLabels: [],
    freeSlots: 1,
    poolLimit: null,
    queueLimit: null,
    deploymentLimit: null,
    namedLimits: [],
    ...changes,
  };
}

type Case = [code: WaitingCode, changes: Partial<WaitingFacts>, words: string];

const CASES: readonly Case[] = [
  [
    "awaiting_retry",
    {
      stateName: "AwaitingRetry",
      cause: "out_of_memory",
      scheduledFor: new Date("2026-03-01T12:00:10.000Z"),
      onlineAgents: 0,
    },
    "Waits for its next attempt, at 2026-03-01T12:00:10.000Z. The last one ended: The process that ran the flow ran out of memory.",
  ],
  [
    "scheduled_for",
    { scheduledFor: new Date("2026-03-01T13:00:00.000Z") },
    "Scheduled for 2026-03-01T13:00:00.000Z.",
  ],
  ["deployment_paused", { deploymentPaused: true }, "The deployment is paused."],
  ["pool_paused", { poolPaused: true, onlineAgents: 0 }, 'The work pool "eu" is paused.'],
  ["queue_paused", { queuePaused: true }, 'The work queue "default" is paused.'],
  [
    "no_agent",
    { onlineAgents: 0, fittingAgents: 0, servingAgents: 0 },
    'No agent polls the work pool "eu". Start one with: downbeat agent start',
  ],
  [
    "labels_unmatched",
    { fittingAgents: 0, servingAgents: 0, requiredLabels: ["gpu", "eu"] },
    'No agent of the work pool "eu" carries the labels that the deployment requires: gpu, eu.',
  ],
  [
    "queue_unserved",
    { servingAgents: 0 },
    'No agent of the work pool "eu" that fits serves the queue "default".',
  ],
  [
    "deployment_limit_full",
    { deploymentLimit: full() },
    "The deployment's limit is full: 2 of 2 taken, by run-a, run-b.",
  ],
  [
    "limit_full",
    { namedLimits: [{ name: "db", tokens: null, ...full(5) }] },
    'The limit "db" is full: 5 of 5 taken, by run-a, run-b and others.',
  ],
  [
    "rate_exhausted",
    { namedLimits: [{ name: "db", tokens: 0.5, ...full(5, 2) }] },
    'The rate of the limit "db" allows no run just now.',
  ],
  [
    "queue_limit_full",
    { queueLimit: full() },
    'The limit of the work queue "default" is full: 2 of 2 taken, by run-a, run-b.',
  ],
  [
    "pool_limit_full",
    { poolLimit: { limit: 0, taken: 0, heldBy: [] } },
    'The limit of the work pool "eu" is full: 0 of 0 taken.',
  ],
  ["agents_busy", { freeSlots: 0 }, 'Every agent of the work pool "eu" is busy.'],
  ["about_to_start", {}, "An agent will take it in a moment."],
  ["preparing", { stateType: "PENDING" }, "An agent took the run and prepares its process."],
  [
    "paused",
    {
      stateType: "PAUSED",
      stateName: "Paused",
      pause: { key: "approval", expiresAt: null, onTimeout: "fail" },
    },
    'Paused at "approval" until someone resumes it; its process waits.',
  ],
  [
    "suspended",
    {
      stateType: "PAUSED",
      stateName: "Suspended",
      pause: { key: "approval", expiresAt: "2026-03-02T12:00:00.000Z", onTimeout: "resume" },
    },
    'Suspended at "approval" until someone resumes it; it holds no process. At 2026-03-02T12:00:00.000Z it goes on without input.',
  ],
  [
    "input_refused",
    {
      stateType: "PAUSED",
      stateName: "Paused",
      reason: "input_refused",
      pause: { key: "approval", expiresAt: null, onTimeout: "fail" },
    },
    'Still waits at "approval": the agent runs only signed work, and what was given is not signed by a key it lists. Resume it with --sign.',
  ],
  [
    "cancelling",
    { stateType: "CANCELLING" },
    "The agent was asked to stop the run and has not confirmed yet.",
  ],
  [
    "agent_unreachable",
    { stateType: "RUNNING", stateName: "Unreachable" },
    "The agent has not been heard of since about 2026-03-01T12:00:00.000Z, longer than its lease; it may still come back.",
  ],
];

describe("explainWaiting", () => {
  it.each(CASES)("%s: %o → %s", (code, changes, words) => {
    expect(explainWaiting(facts(changes), NOW)).toMatchObject({ code, words });
    expect(describeWaiting(facts(changes), NOW)).toBe(words);
  });

  it("says each code of the contract in some case", () => {
    expect(new Set(CASES.map(([code]) => code))).toEqual(new Set(WAITING_CODES));
  });

  it("has each code of the contract once in its table", () => {
    expect(WAITING_REASONS.map(({ code }) => code).toSorted()).toEqual(WAITING_CODES.toSorted());
  });

  it("forgets a planned attempt once its time has come", () => {
    const due = facts({ stateName: "AwaitingRetry", cause: "failed", onlineAgents: 0 });
    expect(explainWaiting(due, NOW)?.code).toBe("no_agent");
  });

  it("names who holds a full limit", () => {
    const { details } = explainWaiting(facts({ queueLimit: full() }), NOW) ?? {};
    expect(details).toEqual({
      poolName: "eu",
      queueName: "default",
      limit: 2,
      taken: 2,
      heldBy: RUNS,
    });
  });

  it("has nothing to say of a run that runs or has ended", () => {
    for (const stateType of ["RUNNING", "COMPLETED", "FAILED"] as const) {
      expect(explainWaiting(facts({ stateType, stateName: "Running" }), NOW)).toBeNull();
    }
  });
});
