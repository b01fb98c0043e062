import { describe, expect, it } from "vitest";
import { describeWaiting, type WaitingFacts } from "./describe-waiting.ts";

const NOW = new Date("2026-03-01T12:00:00.000Z");

function facts(changes: Partial<WaitingFacts> = {}): WaitingFacts {
  return {
    stateType: "SCHEDULED",
    stateName: "Scheduled",
    reason: "created",
    scheduledFor: NOW,
    poolName: "eu",
    queueName: "default",
    poolPaused: false,
    queuePaused: false,
    deploymentPaused: false,
    onlineAgents: 1,
    freeSlots: 1,
    poolLimit: null,
    poolActive: 0,
    ...changes,
  };
}

describe("describeWaiting", () => {
  it.each([
    [
      { scheduledFor: new Date("2026-03-01T13:00:00.000Z") },
      "Scheduled for 2026-03-01T13:00:00.000Z.",
    ],
    [{ deploymentPaused: true }, "The deployment is paused."],
    [{ poolPaused: true, onlineAgents: 0 }, 'The work pool "eu" is paused.'],
    [{ queuePaused: true }, 'The work queue "default" is paused.'],
    [
      { onlineAgents: 0 },
      'No agent polls the work pool "eu". Start one with: downbeat agent start',
    ],
    [{ poolLimit: 2, poolActive: 2 }, 'The limit of the work pool "eu" is full: 2 of 2 runs.'],
    [{ freeSlots: 0 }, 'Every agent of the work pool "eu" is busy.'],
    [{}, "An agent will take it in a moment."],
  ] as const)("%o → %s", (changes, words) => {
    expect(describeWaiting(facts(changes), NOW)).toBe(words);
  });

  it("has words for each live type that is not running, and none for the others", () => {
    for (const stateType of ["PENDING", "PAUSED", "CANCELLING"] as const) {
      expect(describeWaiting(facts({ stateType }), NOW)).toMatch(/\.$/);
    }
    expect(describeWaiting(facts({ stateType: "RUNNING", stateName: "Running" }), NOW)).toBeNull();
    expect(
      describeWaiting(facts({ stateType: "RUNNING", stateName: "Unreachable" }), NOW),
    ).toContain("not been heard");
    expect(describeWaiting(facts({ stateType: "COMPLETED" }), NOW)).toBeNull();
  });
});
