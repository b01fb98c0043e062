import { expect, test } from "vitest";
import { GivenRuns } from "./given-runs.ts";
import type { RunEnd } from "./worker-process.ts";

const EXIT = { exitCode: null, signal: "SIGKILL", heapExhausted: false } as const;

function aWorker() {
  const runs = new GivenRuns({ nowMs: () => 0, beginWithinMs: 100_000 });
  const told: string[] = [];
  const give = (runId: string) =>
    runs.add({
      runId,
      listener: { events: () => {}, line: () => {}, begun: () => told.push(`${runId} begun`) },
      resolve: ({ kind }: RunEnd) => told.push(`${runId} ${kind}`),
    });
  return { runs, told, give };
}

test("of a process that is gone, what had begun exited, what had ended is over, and the rest comes back", () => {
  const { runs, told, give } = aWorker();
  for (const runId of ["a", "b", "c"]) give(runId);
  const first = runs.find("a");
  if (first !== undefined) first.outcome = { outcome: { outcome: "completed" }, tookMs: 1 };
  runs.begins({ runId: "b", series: 0 });
  runs.exited(EXIT);
  expect(told).toEqual(["a begun", "b begun", "c returned", "a finished", "b exited"]);
});

test("a run that was said to begin and came too late comes back with the rest of its series", () => {
  const { runs, told, give } = aWorker();
  for (const runId of ["a", "b", "c"]) give(runId);
  runs.begins({ runId: "b", series: 0 });
  runs.seriesEnded({ series: 0, late: "b" });
  expect(told).toEqual(["a begun", "b begun", "b returned", "c returned"]);
});

test("what is said of a run as it was given before does not concern it as it is given now", () => {
  const { runs, told, give } = aWorker();
  give("a");
  expect(give("b")).toEqual({ series: 0, beginByMs: 100_000 });
  runs.seriesEnded({ series: 0 });
  expect(give("b")).toEqual({ series: 1, beginByMs: 100_000 });
  runs.begins({ runId: "b", series: 0 });
  runs.seriesEnded({ series: 0, late: "b" });
  expect(told).toEqual(["a begun", "b returned"]);
  runs.begins({ runId: "b", series: 1 });
  expect(told.at(-1)).toBe("b begun");
  runs.exited(EXIT);
});
