import type { Run } from "@downbeat/contract";
import { describe, expect, test } from "vitest";
import { heldRows } from "./held-rows.ts";

const at = "2026-01-01T00:00:00.000Z";

function aRun(id: string, type: "RUNNING" | "COMPLETED" = "RUNNING"): Run {
  const name = type === "RUNNING" ? "Running" : "Completed";
  return {
    id,
    flowId: "f",
    flowName: "flow",
    flowVersionId: null,
    deploymentId: null,
    deploymentName: null,
    poolName: null,
    queueName: null,
    state: { type, name, at },
    reason: "started",
    epoch: 1,
    tags: [],
    createdBy: { kind: "engine", id: null },
    createdAt: at,
    scheduledFor: at,
    startedAt: at,
    endedAt: null,
    agentId: null,
    agentName: null,
    taskRunCount: 0,
    retriesLeft: { onCrash: 0, onFailure: 0 },
    parentRunId: null,
    error: null,
  };
}

describe("rows under the pointer", () => {
  test("stay where they are while new ones wait, counted", () => {
    const held = heldRows([aRun("b"), aRun("a")], [aRun("d"), aRun("c"), aRun("b"), aRun("a")]);
    expect(held.rows.map(({ id }) => id)).toEqual(["b", "a"]);
    expect(held.waitingCount).toBe(2);
  });

  test("still change state", () => {
    const { rows } = heldRows([aRun("a")], [aRun("a", "COMPLETED")]);
    expect(rows[0]?.state.name).toBe("Completed");
  });

  test("stay even when a new one has pushed them off the page", () => {
    const { rows } = heldRows([aRun("b"), aRun("a")], [aRun("c"), aRun("b")]);
    expect(rows.map(({ id }) => id)).toEqual(["b", "a"]);
  });
});
