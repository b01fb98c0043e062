import type { CreateOutcome, Run } from "@downbeat/contract";
import type { RunStatus, TriggerAnswer } from "./remote-plane.ts";

/** What code is told of a run, out of what the API answers. */
export function runStatusOf(run: Run): RunStatus {
  const { id, flowName, deploymentName, state, startedAt, endedAt, error } = run;
  const { type, name, at } = state;
  return {
    runId: id,
    flowName,
    deploymentName,
    state: { type, name, at },
    startedAt,
    endedAt,
    errorClass: error?.class ?? null,
  };
}

export function triggerAnswerOf({ run, error }: CreateOutcome): TriggerAnswer {
  if (run !== null) return { run: runStatusOf(run) };
  return {
    refusal: error ?? { code: "internal", message: "The API made no run and gave no reason." },
  };
}
