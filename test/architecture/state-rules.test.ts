import {
  isTerminal,
  STATE_NAMES,
  STATE_REASONS,
  STATE_TYPES,
  type StateReasonCode,
  type StateType,
} from "@downbeat/contract";
import { decideTransitions, PROPOSERS, ruleFor, type Proposal } from "@downbeat/core";
import { RetryPolicy } from "@downbeat/contract";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

const LEASE = { epoch: 1, leaseToken: "a".repeat(32) };
const NOW = new Date("2026-03-01T00:00:00.000Z");

const aProposal: fc.Arbitrary<Proposal> = fc
  .record({
    proposer: fc.constantFrom(...PROPOSERS),
    type: fc.constantFrom(...STATE_TYPES),
    nameAt: fc.nat({ max: 5 }),
    reason: fc.constantFrom(...(Object.keys(STATE_REASONS) as StateReasonCode[])),
    // Few ids, so that some repeat; some fences of an older lease.
    id: fc.nat({ max: 15 }),
    isStale: fc.boolean(),
  })
  .map(({ proposer, type, nameAt, reason, id, isStale }) => {
    const names = STATE_NAMES[type];
    const proposal = { transitionId: `t${id}`, type, reason, error: null };
    const name = names[nameAt % names.length] ?? names[0];
    if (proposer !== "agent") return { ...proposal, proposer, name };
    return { ...proposal, proposer, name, fence: isStale ? { ...LEASE, epoch: 0 } : LEASE };
  });

/** Decides a sequence one proposal at a time, as the database would hold the run in between. */
function walk(start: StateType, proposals: readonly Proposal[], retries: number) {
  const policy = RetryPolicy.parse({ retriesOnCrash: retries, retriesOnFailure: retries });
  const known = new Set<string>();
  let state = { type: start, name: STATE_NAMES[start][0], at: NOW.toISOString() } as const as {
    type: StateType;
    name: (typeof STATE_NAMES)[StateType][number];
    at: string;
  };
  let retry = { policy, onCrash: retries, onFailure: retries, made: 0 };
  let sequence = 0;
  return proposals.map((proposal) => {
    const run = {
      runId: "r",
      ...LEASE,
      state,
      sequence,
      knownTransitionIds: new Set(known),
      retry,
    };
    const { outcomes, accepted } = decideTransitions(run, [proposal], NOW, () => 0.5);
    const before = state;
    for (const row of accepted) {
      state = row.state;
      sequence = row.sequence;
      retry = row.retry?.budget ?? retry;
      known.add(row.transitionId);
    }
    return { proposal, before, after: state, outcome: outcomes[0], accepted, run };
  });
}

const aWalk = fc
  .tuple(
    fc.constantFrom(...STATE_TYPES),
    fc.array(aProposal, { maxLength: 40 }),
    fc.nat({ max: 2 }),
  )
  .map(([start, proposals, retries]) => walk(start, proposals, retries));

// A failure prints the seed and the path to replay it.
const holds = (property: (steps: ReturnType<typeof walk>) => void): void =>
  fc.assert(fc.property(aWalk, property), { numRuns: 2_000 });

describe("the rules, over random sequences of proposals", () => {
  it("decide every pair of types for every proposer", () => {
    for (const from of STATE_TYPES) {
      for (const to of STATE_TYPES) {
        for (const proposer of PROPOSERS)
          expect(["accept", "reject"]).toContain(ruleFor(from, to, proposer).kind);
      }
    }
  });

  it("move a run only by an accepted proposal that the table allows, one history row each", () => {
    holds((steps) => {
      for (const { proposal, before, after, outcome, accepted, run } of steps) {
        if (accepted.length === 0) expect(after).toEqual(before);
        else {
          expect(accepted).toHaveLength(1);
          expect(outcome?.status).toBe("accepted");
          expect(accepted[0]?.sequence).toBe(run.sequence + 1);
          expect(ruleFor(before.type, proposal.type, proposal.proposer).kind).toBe("accept");
        }
        expect(STATE_NAMES[after.type]).toContain(after.name);
      }
    });
  });

  it("let nothing but an operator's retry leave a terminal state", () => {
    holds((steps) => {
      for (const { proposal, before, after } of steps) {
        if (!isTerminal(before.type) || after === before) continue;
        expect([proposal.proposer, after.type]).toEqual(["operator", "SCHEDULED"]);
      }
    });
  });

  it("take nothing from a stale lease, and nothing twice", () => {
    holds((steps) => {
      for (const { proposal, accepted, outcome, run } of steps) {
        if (run.knownTransitionIds.has(proposal.transitionId)) expect(accepted).toEqual([]);
        if (proposal.fence === undefined || proposal.fence.epoch === run.epoch) continue;
        expect(accepted).toEqual([]);
        if (!isTerminal(proposal.type)) expect(outcome?.status).toBe("fenced");
      }
    });
  });

  it("never make more retries than the policy has, and none after a cancellation or an operator's word", () => {
    holds((steps) => {
      const rows = steps.flatMap(({ accepted, before, proposal }) =>
        accepted.flatMap(({ retry }) => (retry === undefined ? [] : { retry, before, proposal })),
      );
      for (const { retry, before, proposal } of rows) {
        expect(Math.min(retry.budget.onCrash, retry.budget.onFailure)).toBeGreaterThanOrEqual(0);
        expect(proposal.proposer).not.toBe("operator");
        expect(before.type).not.toBe("CANCELLING");
      }
    });
  });
});
