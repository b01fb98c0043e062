import { expect, test } from "vitest";
import type { RunMessage } from "./messages.ts";
import { RunQueue } from "./run-queue.ts";

function aRun(runId: string, ahead?: Pick<RunMessage, "series" | "beginByMs">): RunMessage {
  const place = { modulePath: "/flows.js", exportName: "f", flowName: "f" };
  return { type: "run", runId, epoch: 1, attempt: 1, parameters: {}, ...place, ...ahead };
}

function taken(queue: RunQueue): string[] {
  const ids: string[] = [];
  for (let run = queue.take(); run !== undefined; run = queue.take()) ids.push(run.runId);
  return ids;
}

test("runs come in order; one can be removed", () => {
  const queue = new RunQueue();
  for (const runId of ["a", "b", "c"]) queue.add(aRun(runId));
  expect([queue.remove("b"), queue.remove("b")]).toEqual([true, false]);
  expect(queue.next?.runId).toBe("a");
  expect(taken(queue)).toEqual(["a", "c"]);
});

test("a series that has ended takes its runs with it, also those still on their way", () => {
  const queue = new RunQueue();
  queue.add(aRun("a", { series: 1, beginByMs: 1 }));
  queue.endSeries(1);
  queue.add(aRun("b", { series: 1, beginByMs: 1 }));
  queue.add(aRun("c", { series: 2, beginByMs: 1 }));
  queue.add(aRun("d", { series: 2, beginByMs: 1 }));
  expect(taken(queue)).toEqual(["c", "d"]);
});

test("a run that begins at once shows that its agent has the ones given ahead back", () => {
  const queue = new RunQueue();
  queue.add(aRun("a", { series: 1, beginByMs: 1 }));
  queue.add(aRun("b", { series: 2 }));
  queue.add(aRun("c", { series: 2, beginByMs: 1 }));
  expect(taken(queue)).toEqual(["b", "c"]);
});
