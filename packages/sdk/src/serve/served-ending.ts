import type { Lease, StateReasonCode } from "@downbeat/contract";
import { isSealError } from "@downbeat/seal";
import type { ErrorRecord } from "../run-host.ts";
import type { RunOutcome } from "../worker/messages.ts";

/** How a served run ended. */
export type ServedEnding = { readonly outcome: RunOutcome; readonly reason?: StateReasonCode };

export const CANCELLED: ServedEnding = { outcome: { outcome: "cancelled" } };

/** Why a run that the process leaves behind when it stops has crashed. */
export const LEFT: ErrorRecord = {
  class: "ProcessExit",
  message: "The process that served the flow was stopped before the flow finished.",
};

/** This process does not execute such a run. */
export function notServed({ flowName, deploymentName, exclusive }: Lease): ServedEnding {
  const message = exclusive
    ? "An exclusive flow takes a process that can be killed; run it with an agent."
    : `This process serves no flow "${flowName}/${deploymentName}".`;
  return failedBefore("entrypoint_invalid", "EntrypointError", message);
}

/** What the run was given does not open or makes no sense. */
export function unreadable(error: unknown): ServedEnding {
  const name = isSealError(error) ? "KeyError" : "ParameterError";
  return failedBefore("parameters_unreadable", name, String(error));
}

/** It ran longer than its deployment allows. */
export function timedOut(timeoutSeconds: number): ServedEnding {
  const message = `The flow ran longer than its limit of ${timeoutSeconds} s and was stopped.`;
  const error = { class: "TimeoutError", message };
  return { outcome: { outcome: "failed", stateName: "TimedOut", error } };
}

/** An end of a run that never got as far as user code. */
function failedBefore(reason: StateReasonCode, name: string, message: string): ServedEnding {
  const error = { class: name, message };
  return { outcome: { outcome: "failed", stateName: "Failed", error }, reason };
}
