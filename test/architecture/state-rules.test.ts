import {
  isTerminal,
  RetryPolicy,
  STATE_NAMES,
  STATE_REASONS,
  STATE_TYPES,
  type StateReasonCode,
  type StateType,
} from "@downbeat/contract";
import { decideTransitions, PROPOSERS, ruleFor, type Proposal } from "@downbeat/core";
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

type Walked = ReturnType<typeof walk>[number];

/** The first counterexample to a rule about every step, with the seed and path that replay it; null when there is none. */
function violation(holds: (step: Walked) => boolean): string | null {
  const property = fc.property(aWalk, (steps) => steps.every(holds));
  const { failed, seed, counterexamplePath, counterexample } = fc.check(property, {
    numRuns: 2_000,
  });
  if (!failed) return null;
  return `seed ${seed}, path ${counterexamplePath}: ${JSON.stringify(counterexample)}`;
}

describe("the rules, over random sequences of proposals", () => {
  it("decide every pair of types for every proposer", () => {
    const verdicts = STATE_TYPES.flatMap((from) =>
      STATE_TYPES.flatMap((to) => PROPOSERS.map((proposer) => ruleFor(from, to, proposer).kind)),
    );
    expect(verdicts).toHaveLength(9 * 9 * PROPOSERS.length);
    expect(new Set(verdicts)).toEqual(new Set(["accept", "reject"]));
  });

  it("find a counterexample to what does not hold", () => {
    expect(violation(({ accepted }) => accepted.length === 0)).toContain("seed");
  });

  it("move a run only by an accepted proposal that the table allows, one history row each", () => {
    const found = violation(({ proposal, before, after, outcome, accepted, run }) => {
      const names: readonly string[] = STATE_NAMES[after.type];
      if (!names.includes(after.name)) return false;
      if (accepted.length === 0) return after === before;
      const isAllowed = ruleFor(before.type, proposal.type, proposal.proposer).kind === "accept";
      const isNumbered = accepted.length === 1 && accepted[0]?.sequence === run.sequence + 1;
      return isAllowed && isNumbered && outcome?.status === "accepted";
    });
    expect(found).toBeNull();
  });

  it("let nothing but an operator's retry leave a terminal state", () => {
    const found = violation(
      ({ proposal, before, after }) =>
        !isTerminal(before.type) ||
        after === before ||
        (proposal.proposer === "operator" && after.type === "SCHEDULED"),
    );
    expect(found).toBeNull();
  });

  it("take nothing twice", () => {
    const found = violation(
      ({ proposal, accepted, run }) =>
        accepted.length === 0 || !run.knownTransitionIds.has(proposal.transitionId),
    );
    expect(found).toBeNull();
  });

  it("take nothing from a stale lease, and let no start begin under one", () => {
    const found = violation(({ proposal, accepted, outcome, run }) => {
      const isStale = proposal.fence !== undefined && proposal.fence.epoch !== run.epoch;
      if (!isStale) return true;
      return accepted.length === 0 && (isTerminal(proposal.type) || outcome?.status === "fenced");
    });
    expect(found).toBeNull();
  });

  it("never make more retries than the policy has, and none after a cancellation or an operator's word", () => {
    const found = violation(({ accepted, before, proposal }) =>
      accepted.every(({ retry }) => {
        if (retry === undefined) return true;
        const isWithin = retry.budget.onCrash >= 0 && retry.budget.onFailure >= 0;
        return isWithin && proposal.proposer !== "operator" && before.type !== "CANCELLING";
      }),
    );
    expect(found).toBeNull();
  });
});
