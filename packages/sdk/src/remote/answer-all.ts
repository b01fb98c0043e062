import type { CreateOutcome, RunSpec } from "@downbeat/contract";
import { MOST_AT_ONCE, type Refusal, type TriggerAnswer } from "./remote-plane.ts";
import { triggerAnswerOf } from "./run-status.ts";

// Half of what the API accepts as a body, in characters of sealed parameters.
const LARGEST_CALL = 4 * 1024 * 1024;

/** Asks for the runs that could be made, in calls that the API takes, and puts the answers beside the refusals. */
export async function answerAll(
  made: readonly (RunSpec | Refusal)[],
  create: (runs: readonly RunSpec[]) => Promise<readonly CreateOutcome[]>,
): Promise<readonly TriggerAnswer[]> {
  const specs = made.filter((one): one is RunSpec => !("refusal" in one));
  const answers: TriggerAnswer[] = [];
  for (let call = firstCall(specs); call.length > 0; call = firstCall(specs.slice(answers.length)))
    answers.push(...(await create(call)).map(triggerAnswerOf));
  let at = 0;
  return made.map((one) => ("refusal" in one ? one : (answers[at++] ?? UNANSWERED)));
}

const UNANSWERED: Refusal = {
  refusal: { code: "response_invalid", message: "The API left a run out of its answer." },
};

function firstCall(specs: readonly RunSpec[]): readonly RunSpec[] {
  let size = 0;
  const end = specs.findIndex(
    ({ parameters }, at) => (size += parameters?.length ?? 0) > LARGEST_CALL && at > 0,
  );
  return specs.slice(0, Math.min(MOST_AT_ONCE, end === -1 ? specs.length : end));
}
