import { expect, it } from "vitest";
import { cancelStep, lapseStep, resumeStep } from "./run-steps.ts";

const HELD = { isHeld: true };
const ALONE = { isHeld: false };

it("cancels through the agent what a process runs, and anything else at once", () => {
  expect(cancelStep({ ...HELD, epoch: 1 }).type).toBe("CANCELLING");
  expect(cancelStep({ ...ALONE, epoch: 0 }).reason).toBe("cancelled_before_start");
  expect(cancelStep({ ...ALONE, epoch: 2 })).toMatchObject({
    type: "CANCELLED",
    reason: "cancelled_while_waiting",
  });
});

it("lets a process that waits go on, and starts a suspended run again", () => {
  expect(resumeStep(HELD)).toMatchObject({ type: "RUNNING", reason: "resumed" });
  expect(resumeStep(ALONE)).toMatchObject({ name: "Resuming", reason: "resumed" });
});

it("fails what nobody resumed in time, or lets it go on as it was", () => {
  for (const holding of [HELD, ALONE])
    expect(lapseStep({ onTimeout: "fail" }, holding).reason).toBe("pause_timed_out");
  expect(lapseStep({ onTimeout: "resume" }, HELD).type).toBe("RUNNING");
  expect(lapseStep({ onTimeout: "resume" }, ALONE)).toMatchObject({
    name: "Resuming",
    reason: "resumed_by_timeout",
  });
});
