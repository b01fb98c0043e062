import { describe, expect, it } from "vitest";
import { checkRuns, longestIdleLeaseMs, type Evidence } from "./check-runs.ts";
import type { Execution } from "./executions.ts";
import type { LedgerRun, StateRow } from "./ledger.ts";

type Step = [type: StateRow["type"], epoch: number];

const ONCE: Step[] = [
  ["SCHEDULED", 0],
  ["PENDING", 1],
  ["RUNNING", 1],
  ["COMPLETED", 1],
];

function aRun(steps: readonly Step[], runId = "run"): LedgerRun {
  const states = steps.map(([type, epoch], sequence) => ({
    runId,
    sequence,
    type,
    name: "",
    at: new Date(sequence * 1000),
    epoch,
    reason: "",
    actorKind: "engine",
    actorId: null,
    transitionId: null,
  }));
  const last = states.at(-1);
  const isLive = last?.type !== "COMPLETED" && last?.type !== "CRASHED";
  return { runId, epoch: last?.epoch ?? 0, isLive, stateType: isLive ? null : last.type, states };
}

function anExecution(epoch: number, finishedAtMs: number | null = 2_500): Execution {
  return { runId: "run", epoch, startedAtMs: 2_000, finishedAtMs };
}

function judge(given: Partial<Evidence>): Record<"lost" | "double" | "broken", number> {
  const { runs = [aRun(ONCE)] } = given;
  const evidence = {
    acknowledged: ["run"],
    runs,
    counted: countsOf(runs),
    executions: [anExecution(1)],
    ...given,
  };
  const { lost, double, broken } = checkRuns(evidence);
  return { lost: lost.length, double: double.length, broken: broken.length };
}

function countsOf(runs: readonly LedgerRun[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { stateType } of runs)
    if (stateType !== null) counts.set(stateType, (counts.get(stateType) ?? 0) + 1);
  return counts;
}

const FINE = { lost: 0, double: 0, broken: 0 };

describe("checkRuns", () => {
  it("has nothing to say about a run that ran once, or again in a second epoch", () => {
    expect(judge({})).toEqual(FINE);
    const again: Step[] = [
      ["SCHEDULED", 0],
      ["PENDING", 1],
      ["RUNNING", 1],
      ["SCHEDULED", 1],
      ["PENDING", 2],
      ["RUNNING", 2],
      ["COMPLETED", 2],
    ];
    const executions = [anExecution(1, null), anExecution(2)];
    expect(judge({ runs: [aRun(again)], executions })).toEqual(FINE);
  });

  it.each<[string, Partial<Evidence>, Partial<typeof FINE>]>([
    ["is unknown", { runs: [], executions: [] }, { lost: 1 }],
    ["never ended", { runs: [aRun(ONCE.slice(0, 3))] }, { lost: 1 }],
    ["ended twice", { runs: [aRun([...ONCE, ["CRASHED", 1]])] }, { double: 1, broken: 1 }],
    [
      "was executed twice under one lease",
      { executions: [anExecution(1), anExecution(1)] },
      { double: 1 },
    ],
    ["was made for nobody", { acknowledged: [] }, { double: 1 }],
    ["was the answer to two triggers", { acknowledged: ["run", "run"] }, { double: 1 }],
    ["completed without finishing", { executions: [anExecution(1, null)] }, { broken: 1 }],
    [
      "was executed without a lease",
      { executions: [anExecution(1), anExecution(2)] },
      { broken: 1 },
    ],
    [
      "was claimed without a new epoch",
      { runs: [aRun([["SCHEDULED", 1], ...ONCE.slice(1)])] },
      { broken: 1 },
    ],
    ["was counted twice", { counted: new Map([["COMPLETED", 2]]) }, { broken: 1 }],
    ["was counted as another", { counted: new Map([["FAILED", 1]]) }, { broken: 2 }],
  ])("finds a run that %s", (_, given, found) => {
    expect(judge(given)).toEqual({ ...FINE, ...found });
  });
});

it("counts a lease as idle while no user code runs under it", () => {
  // Leased from second 1 to second 3, executing for half a second.
  expect(longestIdleLeaseMs([aRun(ONCE)], [anExecution(1)])).toBe(1_500);
  expect(longestIdleLeaseMs([aRun(ONCE.slice(0, 2))], [])).toBe(Number.POSITIVE_INFINITY);
});
