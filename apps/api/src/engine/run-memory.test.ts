import { expect, it } from "vitest";
import { RunMemory, type RememberedRun } from "./run-memory.ts";

const run: RememberedRun = {
  workspaceId: "here",
  epoch: 1,
  leaseToken: "token",
  holder: { kind: "agent", id: "agent" },
  type: "PENDING",
  sequence: 1,
};

it("tells a run to its own workspace only, and once it was taken to nobody", () => {
  const memory = new RunMemory();
  memory.note("a", run);
  expect(memory.get("there", "a")).toBeUndefined();
  expect(memory.take("there", "a")).toBeUndefined();
  expect(memory.take("here", "a")).toEqual(run);
  expect(memory.get("here", "a")).toBeUndefined();
});

it("forgets the runs that were noted first beyond 20,000", () => {
  const memory = new RunMemory();
  for (let i = 0; i <= 20_000; i++) memory.note(`run ${i}`, run);
  expect(memory.get("here", "run 0")).toBeUndefined();
  expect(memory.get("here", "run 1")).toEqual(run);
});
