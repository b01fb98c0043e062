import type { PausePoint, StateName, StateReasonCode, StateType } from "@downbeat/contract";

/** A state that someone wants a run to be in, before the rules have decided. */
export type RunStep = {
  readonly type: StateType;
  readonly name: StateName;
  readonly reason: StateReasonCode;
};

/** What decides how a run is cancelled, resumed or let go on: whether a process has it. */
export type Holding = { readonly isHeld: boolean };

/** Cancelling: at once where no process runs it; otherwise its agent is told. */
export function cancelStep({ isHeld, epoch }: Holding & { readonly epoch: number }): RunStep {
  if (isHeld) return { type: "CANCELLING", name: "Cancelling", reason: "cancel_requested" };
  const reason = epoch === 0 ? "cancelled_before_start" : "cancelled_while_waiting";
  return { type: "CANCELLED", name: "Cancelled", reason };
}

/** Resuming: a process that waits goes on; a suspended run has none, and starts from the top with what it was given. */
export function resumeStep({ isHeld }: Holding): RunStep {
  return goOn({ isHeld }, "resumed");
}

/** Nobody resumed it in time: it fails, or goes on without input, as its flow asked. */
export function lapseStep(
  { onTimeout }: Pick<PausePoint, "onTimeout">,
  { isHeld }: Holding,
): RunStep {
  if (onTimeout === "fail") return { type: "FAILED", name: "TimedOut", reason: "pause_timed_out" };
  return goOn({ isHeld }, "resumed_by_timeout");
}

function goOn({ isHeld }: Holding, reason: StateReasonCode): RunStep {
  if (isHeld) return { type: "RUNNING", name: "Running", reason };
  return { type: "SCHEDULED", name: "Resuming", reason };
}
