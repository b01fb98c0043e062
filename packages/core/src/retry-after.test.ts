import { RetryPolicy } from "@downbeat/contract";
import { describe, expect, it } from "vitest";
import { decideTransitions, type Proposal, type RunSnapshot } from "./decide-transitions.ts";
import { retryAfter, retryDelayMs, type RetryBudget } from "./retry-after.ts";

const half = () => 0.5;
const LEASE = { epoch: 1, leaseToken: "a".repeat(32) };

function aBudget(given: Partial<RetryPolicy> = {}): RetryBudget {
  const policy = RetryPolicy.parse({ retriesOnCrash: 2, retriesOnFailure: 1, ...given });
  return { policy, onCrash: policy.retriesOnCrash, onFailure: policy.retriesOnFailure, made: 0 };
}

describe("retryAfter", () => {
  it("takes from the budget of its kind and remembers why the attempt ended", () => {
    const retry = retryAfter({ type: "CRASHED", reason: "agent_lost" }, aBudget(), half);
    expect(retry).toMatchObject({
      cause: "agent_lost",
      delayMs: 10_000,
      budget: { onCrash: 1, onFailure: 1, made: 1 },
    });
  });

  it.each([
    ["no policy", { type: "CRASHED", reason: "agent_lost" }, null],
    [
      "a budget that is spent",
      { type: "FAILED", reason: "failed" },
      { ...aBudget(), onFailure: 0 },
    ],
    ["an end that was asked for", { type: "CANCELLED", reason: "cancelled" }, aBudget()],
    ["success", { type: "COMPLETED", reason: "completed" }, aBudget()],
    ["parameters that never fit", { type: "FAILED", reason: "parameters_invalid" }, aBudget()],
  ] as const)("ends the run after %s", (_what, end, budget) => {
    expect(retryAfter(end, budget, half)).toBeUndefined();
  });
});

describe("retryDelayMs", () => {
  const policy = RetryPolicy.parse({ delaySeconds: 10, factor: 2, maxSeconds: 60, jitter: 0.2 });

  it("grows by the factor up to the limit", () => {
    const delays = [0, 1, 2, 3, 1_000].map((made) => retryDelayMs(policy, made, half));
    expect(delays).toEqual([10_000, 20_000, 40_000, 60_000, 60_000]);
  });

  it("varies by the share of jitter and never beyond the limit", () => {
    expect(retryDelayMs(policy, 0, () => 0)).toBe(8_000);
    expect(retryDelayMs(policy, 0, () => 0.999_999)).toBe(12_000);
    expect(retryDelayMs(policy, 9, () => 0.999_999)).toBe(60_000);
  });
});

describe("a run with a retry policy", () => {
  const at = "2026-03-01T00:00:00.000Z";
  const run = (changes: Partial<RunSnapshot> = {}): RunSnapshot => ({
    runId: "r",
    ...LEASE,
    state: { type: "RUNNING", name: "Running", at },
    sequence: 2,
    knownTransitionIds: new Set(),
    retry: aBudget(),
    ...changes,
  });
  const crash: Proposal = {
    proposer: "agent",
    fence: LEASE,
    transitionId: "t1",
    type: "CRASHED",
    name: "Crashed",
    reason: "process_killed",
    error: {
      class: "ProcessKilled",
      exitCode: null,
      signal: "SIGKILL",
      fingerprint: null,
      detail: null,
    },
  };
  const decide = (snapshot: RunSnapshot, ...proposals: Proposal[]) =>
    decideTransitions(snapshot, proposals, new Date(at), half);

  it("waits for another attempt instead of ending, with the error of the one that ended", () => {
    const { outcomes, accepted } = decide(run(), crash);
    expect(outcomes).toMatchObject([
      { status: "accepted", state: { type: "SCHEDULED", name: "AwaitingRetry" } },
    ]);
    expect(accepted).toMatchObject([
      {
        sequence: 3,
        reason: "retry_scheduled",
        error: { class: "ProcessKilled" },
        retry: { cause: "process_killed", budget: { onCrash: 1 } },
      },
    ]);
  });

  it("leaves the process that ended nothing more to say", () => {
    const completed = {
      ...crash,
      transitionId: "t2",
      type: "COMPLETED",
      name: "Completed",
    } as const;
    const { outcomes } = decide(run(), crash, completed);
    expect(outcomes.map(({ status }) => status)).toEqual(["accepted", "rejected"]);
  });

  it("tells whoever repeats an end that it was taken, and whoever repeats a start that it is fenced", () => {
    const waiting = run({
      leaseToken: null,
      state: { type: "SCHEDULED", name: "AwaitingRetry", at },
      knownTransitionIds: new Set(["t0", "t1"]),
    });
    const start = { ...crash, transitionId: "t0", type: "RUNNING", name: "Running" } as const;
    const { outcomes, accepted } = decide(waiting, crash, start);
    expect(outcomes.map(({ status }) => status)).toEqual(["accepted", "fenced"]);
    expect(accepted).toEqual([]);
  });

  it("ends when an operator says so, and when it was being cancelled", () => {
    const declared = { ...crash, proposer: "operator", fence: undefined } as unknown as Proposal;
    expect(decide(run(), declared).accepted[0]?.state.type).toBe("CRASHED");
    const cancelling = run({ state: { type: "CANCELLING", name: "Cancelling", at } });
    expect(decide(cancelling, crash).accepted[0]?.state.type).toBe("CANCELLED");
  });
});
