import type {
  ErrorDetail,
  PausePoint,
  ResultPointer,
  StateName,
  StateReasonCode,
  StateType,
} from "@downbeat/contract";
import type { EndInProcess, ProcessExit } from "./launchers/worker-process.ts";
import type { WorkerOutcome } from "./launchers/worker-message.ts";
import type { ObservedError } from "./sealer.ts";

/** The last transition of a run, before sealing. */
export type Ending = {
  readonly type: StateType;
  readonly name: StateName;
  readonly reason: StateReasonCode;
  readonly error?: ObservedError;
  /** With PAUSED: the process has ended, and the run waits for someone. */
  readonly pause?: PausePoint;
  /** With COMPLETED: where the result is kept. */
  readonly result?: ResultPointer;
};

export type EndCircumstances = {
  readonly isCancelRequested: boolean;
  /** The time limit for which the process was stopped. */
  readonly passedLimitMs?: number | undefined;
  /** The guardian of exclusive runs killed it because its lease ended. */
  readonly leaseEnded: boolean;
  /** The kernel's out-of-memory killer struck in this control group meanwhile. */
  readonly oomKilled: boolean;
};

export const CANCELLED: Ending = { type: "CANCELLED", name: "Cancelled", reason: "cancelled" };

const LEASE_ENDED: Ending = {
  type: "CRASHED",
  name: "Crashed",
  reason: "lease_ended",
  error: {
    detail: {
      class: "LeaseEnded",
      message:
        "The agent could not renew the lease of an exclusive flow in time, so its process was killed before another agent could take the run.",
    },
  },
};

/** How what happened to the process reads as an end of the run. */
export function endingOf(end: EndInProcess, circumstances: EndCircumstances): Ending {
  const { passedLimitMs } = circumstances;
  // A flow that returned all the same has done its work.
  const isComplete = end.kind === "finished" && end.outcome.outcome === "completed";
  if (passedLimitMs !== undefined && !isComplete) return timedOut(passedLimitMs);
  if (end.kind === "finished") {
    const isAsked = end.outcome.outcome === "suspended" && circumstances.isCancelRequested;
    return isAsked ? CANCELLED : endingOfOutcome(end.outcome);
  }
  if (circumstances.isCancelRequested) return CANCELLED;
  if (circumstances.leaseEnded) return LEASE_ENDED;
  return endingOfExit(end, circumstances.oomKilled);
}

/** An end of a run that never got as far as user code. */
export function failedBefore(reason: StateReasonCode, detail: ErrorDetail): Ending {
  return { type: "FAILED", name: "Failed", reason, error: { detail } };
}

function timedOut(limitMs: number): Ending {
  const message = `The flow ran longer than its limit of ${limitMs / 1000} s and was stopped.`;
  const error = { detail: { class: "TimeoutError", message } };
  return { type: "FAILED", name: "TimedOut", reason: "timed_out", error };
}

export function crashedBefore(detail: ErrorDetail): Ending {
  return { type: "CRASHED", name: "Crashed", reason: "launch_failed", error: { detail } };
}

// A map: a class may be called as the properties of every object are, such as `constructor`.
const REASON_BY_CLASS: ReadonlyMap<string, StateReasonCode> = new Map([
  ["ParameterError", "parameters_invalid"],
  ["EntrypointError", "entrypoint_invalid"],
  ["FlowNeverSettled", "never_settled"],
]);

function endingOfOutcome(outcome: WorkerOutcome): Ending {
  if (outcome.outcome === "completed") {
    const { result } = outcome;
    const completed = { type: "COMPLETED", name: "Completed", reason: "completed" } as const;
    return { ...completed, ...(result !== undefined && { result }) };
  }
  if (outcome.outcome === "cancelled") return CANCELLED;
  if (outcome.outcome === "suspended") {
    const { pause } = outcome;
    return { type: "PAUSED", name: "Suspended", reason: "suspend_requested", pause };
  }
  const { stateName, error } = outcome;
  const reason =
    stateName === "TimedOut" ? "timed_out" : (REASON_BY_CLASS.get(error.class) ?? "failed");
  return { type: "FAILED", name: stateName, reason, error: { detail: error as ErrorDetail } };
}

function endingOfExit(exit: ProcessExit, oomKilled: boolean): Ending {
  const { exitCode, signal } = exit;
  const crash = (reason: StateReasonCode, detail: ErrorDetail): Ending => ({
    type: "CRASHED",
    name: "Crashed",
    reason,
    error: { detail, exitCode, signal },
  });
  if (exit.heapExhausted || (signal === "SIGKILL" && oomKilled)) {
    const whose = exit.heapExhausted ? "V8's heap limit" : "the memory limit of its control group";
    return crash("out_of_memory", {
      class: "OutOfMemory",
      message: `The process that ran the flow reached ${whose}. Handle less data at once, or raise the limit.`,
    });
  }
  if (signal !== null) {
    return crash("process_killed", {
      class: "ProcessKilled",
      message: `The process that ran the flow was killed by ${signal}.`,
    });
  }
  return crash("process_exited", {
    class: "ProcessExit",
    message: `The process that ran the flow exited with code ${exitCode} before the flow finished; does it call process.exit()?`,
  });
}
