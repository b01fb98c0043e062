import type { TaskRun } from "@downbeat/contract";
import { describe, expect, test } from "vitest";
import { taskBar } from "./task-bar.ts";
import { groupTaskRuns } from "./task-groups.ts";

const zero = "2026-01-01T00:00:00.000Z";
const startMs = Date.parse(zero);
const instant = (ms: number) => new Date(startMs + ms).toISOString();

const states = {
  completed: { type: "COMPLETED", name: "Completed", at: zero },
  failed: { type: "FAILED", name: "Failed", at: zero },
  running: { type: "RUNNING", name: "Running", at: zero },
} as const;

function aTaskRun(taskName: string, state: TaskRun["state"] = states.completed): TaskRun {
  return {
    id: "t",
    runId: "r",
    taskName,
    index: 0,
    state,
    attempt: 1,
    epoch: 1,
    startedAt: zero,
    endedAt: null,
    upstream: [],
    renderedName: null,
    error: null,
    result: null,
    cacheTag: null,
  };
}

describe("task runs by task", () => {
  test("keep the order in which the tasks began", () => {
    const groups = groupTaskRuns(["extract", "load", "extract"].map((name) => aTaskRun(name)));
    expect(groups.map(({ taskName, taskRuns }) => [taskName, taskRuns.length])).toEqual([
      ["extract", 2],
      ["load", 1],
    ]);
  });

  test("show the worst state first, and that something failed", () => {
    const { completed, failed, running } = states;
    const [group] = groupTaskRuns(
      [completed, running, completed, failed].map((s) => aTaskRun("load", s)),
    );
    expect(group?.counts.map(({ state, count }) => [state.name, count])).toEqual([
      ["Failed", 1],
      ["Running", 1],
      ["Completed", 2],
    ]);
    expect(group?.failed).toBe(true);
  });

  test("are not called failed while they run", () => {
    expect(groupTaskRuns([aTaskRun("load", states.running)])[0]?.failed).toBe(false);
  });
});

describe("the bar of a task run", () => {
  const run = { startMs, endMs: startMs + 1_000 };

  test("stands where it ran within the run", () => {
    const bar = taskBar({ startedAt: instant(250), endedAt: instant(750) }, run);
    expect(bar).toEqual({ leftPercent: 25, widthPercent: 50 });
  });

  test("reaches to the end while it runs", () => {
    const bar = taskBar({ startedAt: instant(400), endedAt: null }, run);
    expect(bar).toEqual({ leftPercent: 40, widthPercent: 60 });
  });

  test("can be seen however short it is, and never leaves the run", () => {
    for (const ms of [0, 500, 999.9, 1_000, 2_000]) {
      const bar = taskBar({ startedAt: instant(ms), endedAt: instant(ms) }, run);
      expect(bar?.widthPercent).toBeGreaterThan(0.5);
      expect((bar?.leftPercent ?? 0) + (bar?.widthPercent ?? 0)).toBeLessThanOrEqual(100);
    }
  });

  test("is absent before it has begun", () => {
    expect(taskBar({ startedAt: null, endedAt: null }, run)).toBeUndefined();
  });
});
