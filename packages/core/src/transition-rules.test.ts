import { isTerminal, STATE_TYPES, TERMINAL_STATE_TYPES, type StateType } from "@downbeat/contract";
import { describe, expect, it } from "vitest";
import { PROPOSERS, ruleFor, type Proposer } from "./transition-rules.ts";

function allowed(proposer: Proposer): string[] {
  return STATE_TYPES.flatMap((from) =>
    STATE_TYPES.flatMap((to) => {
      const verdict = ruleFor(from, to, proposer);
      if (verdict.kind === "reject") return [];
      return [`${from} → ${to}${verdict.becomes === to ? "" : ` becomes ${verdict.becomes}`}`];
    }),
  );
}

describe("the rule table", () => {
  it("lets nobody leave a terminal state but an operator who runs it again", () => {
    for (const from of TERMINAL_STATE_TYPES) {
      for (const to of STATE_TYPES) {
        for (const proposer of PROPOSERS) {
          const isRetry = proposer === "operator" && to === "SCHEDULED";
          expect(ruleFor(from, to, proposer).kind).toBe(isRetry ? "accept" : "reject");
        }
      }
    }
  });

  it("lets an operator end every live state in any way, and nothing else", () => {
    for (const from of STATE_TYPES.filter((type) => !isTerminal(type))) {
      for (const to of STATE_TYPES) {
        const verdict = ruleFor(from, to, "operator");
        expect(verdict).toEqual(
          isTerminal(to) ? { kind: "accept", becomes: to } : { kind: "reject" },
        );
      }
    }
  });

  it("lets only the agent say that a flow completed", () => {
    for (const from of STATE_TYPES) {
      expect(ruleFor(from, "COMPLETED", "person").kind).toBe("reject");
      expect(ruleFor(from, "COMPLETED", "engine").kind).toBe("reject");
    }
    expect(ruleFor("RUNNING", "COMPLETED", "agent")).toEqual({
      kind: "accept",
      becomes: "COMPLETED",
    });
  });

  it("decides every pair for every proposer as written down here", () => {
    expect(allowed("agent")).toEqual([
      "PENDING → SCHEDULED",
      "PENDING → RUNNING",
      "PENDING → FAILED",
      "PENDING → CRASHED",
      "RUNNING → SCHEDULED",
      "RUNNING → RUNNING",
      "RUNNING → PAUSED",
      "RUNNING → COMPLETED",
      "RUNNING → FAILED",
      "RUNNING → CRASHED",
      "RUNNING → CANCELLED",
      "PAUSED → SCHEDULED",
      "PAUSED → RUNNING",
      "PAUSED → COMPLETED",
      "PAUSED → FAILED",
      "PAUSED → CRASHED",
      "CANCELLING → COMPLETED",
      "CANCELLING → FAILED becomes CANCELLED",
      "CANCELLING → CRASHED becomes CANCELLED",
      "CANCELLING → CANCELLED",
    ]);
    expect(allowed("person")).toEqual([
      "SCHEDULED → CANCELLED",
      "PENDING → CANCELLING",
      "RUNNING → CANCELLING",
      "PAUSED → SCHEDULED",
      "PAUSED → RUNNING",
      "PAUSED → CANCELLING",
      "PAUSED → CANCELLED",
    ]);
    expect(allowed("engine")).toEqual([
      "SCHEDULED → SCHEDULED",
      "SCHEDULED → PENDING",
      "SCHEDULED → FAILED",
      "SCHEDULED → CANCELLED",
      "PENDING → SCHEDULED",
      "PENDING → CANCELLING",
      "PENDING → CRASHED",
      "PENDING → CANCELLED",
      "RUNNING → RUNNING",
      "RUNNING → CANCELLING",
      "RUNNING → CRASHED",
      "PAUSED → SCHEDULED",
      "PAUSED → RUNNING",
      "PAUSED → CANCELLING",
      "PAUSED → FAILED",
      "PAUSED → CRASHED",
      "PAUSED → CANCELLED",
      "CANCELLING → CRASHED becomes CANCELLED",
      "CANCELLING → CANCELLED",
    ]);
  });

  it("always reaches a terminal state: from every live type an end is in reach", () => {
    for (const start of STATE_TYPES)
      expect(reachable(start)).toContain("CANCELLED" satisfies StateType);
  });
});

function reachable(start: StateType): Set<StateType> {
  if ((TERMINAL_STATE_TYPES as readonly StateType[]).includes(start)) return new Set(["CANCELLED"]);
  const seen = new Set<StateType>([start]);
  for (const from of seen) {
    for (const to of STATE_TYPES) {
      for (const proposer of PROPOSERS) {
        const verdict = ruleFor(from, to, proposer);
        if (verdict.kind === "accept") seen.add(verdict.becomes);
      }
    }
  }
  return seen;
}
