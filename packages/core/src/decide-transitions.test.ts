import type { StateType } from "@downbeat/contract";
import { describe, expect, it } from "vitest";
import { decideTransitions, type Proposal, type RunSnapshot } from "./decide-transitions.ts";

const NOW = new Date("2026-03-01T00:00:00.000Z");
const LEASE = { epoch: 3, leaseToken: "a".repeat(32) };

function aRun(type: StateType, changes: Partial<RunSnapshot> = {}): RunSnapshot {
  const state = { type, name: "Running" as const, at: NOW.toISOString() };
  return { runId: "r", ...LEASE, state, sequence: 4, knownTransitionIds: new Set(), ...changes };
}

function aProposal(type: StateType, changes: Partial<Proposal> = {}): Proposal {
  const name = type === "RUNNING" ? "Running" : "Completed";
  return {
    proposer: "agent",
    fence: LEASE,
    transitionId: `to-${type}`,
    type,
    name,
    reason: "completed",
    error: null,
    ...changes,
  };
}

function decide(run: RunSnapshot, ...proposals: Proposal[]) {
  const { outcomes, accepted } = decideTransitions(run, proposals, NOW);
  return {
    statuses: outcomes.map((o) => o.status),
    types: accepted.map((a) => a.state.type),
    accepted,
    outcomes,
  };
}

describe("decideTransitions", () => {
  it("takes several steps of one run in one batch, numbering history on", () => {
    const decided = decide(aRun("PENDING"), aProposal("RUNNING"), aProposal("COMPLETED"));
    expect(decided.statuses).toEqual(["accepted", "accepted"]);
    expect(decided.accepted.map((a) => a.sequence)).toEqual([5, 6]);
  });

  it("refuses a stale epoch and a foreign token, and writes nothing", () => {
    const stale = aProposal("COMPLETED", { fence: { ...LEASE, epoch: 2 } });
    const foreign = aProposal("COMPLETED", { fence: { ...LEASE, leaseToken: "b".repeat(32) } });
    expect(decide(aRun("RUNNING"), stale, foreign)).toMatchObject({
      statuses: ["fenced", "fenced"],
      types: [],
    });
  });

  it("answers a repeated transition id as before, without a second history row", () => {
    const run = aRun("COMPLETED", { knownTransitionIds: new Set(["to-COMPLETED"]) });
    expect(decide(run, aProposal("COMPLETED"))).toMatchObject({
      statuses: ["accepted"],
      types: [],
    });
    expect(decide(aRun("RUNNING"), aProposal("COMPLETED"), aProposal("COMPLETED"))).toMatchObject({
      statuses: ["accepted", "accepted"],
      types: ["COMPLETED"],
    });
  });

  it("accepts one completion and rejects the next, saying which state stands", () => {
    const decided = decide(aRun("RUNNING"), aProposal("FAILED"), aProposal("COMPLETED"));
    expect(decided.statuses).toEqual(["accepted", "rejected"]);
    expect(decided.outcomes[1]?.state?.type).toBe("FAILED");
  });

  it("records a run that fell over while being cancelled as cancelled, with a fitting name", () => {
    const decided = decide(aRun("CANCELLING"), aProposal("CRASHED", { name: "Crashed" }));
    expect(decided.accepted[0]?.state).toEqual({
      type: "CANCELLED",
      name: "Cancelled",
      at: NOW.toISOString(),
    });
  });

  it("does not write the same state twice", () => {
    expect(decide(aRun("RUNNING"), aProposal("RUNNING"))).toMatchObject({
      statuses: ["rejected"],
      types: [],
    });
  });
});
