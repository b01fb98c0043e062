import { DownbeatError } from "@downbeat/contract";

/**
 * Whoever asks about one run opens what is sealed in the answer as that run's. An API that answers with another one, whose
 * values are all genuine, must not get through with it.
 *
 * @throws {DownbeatError} `response_invalid`
 */
export function refuseOtherRun(asked: unknown, answer: unknown): void {
  if (typeof asked !== "string") return;
  const other = runIdsIn(answer).find((runId) => runId.toLowerCase() !== asked.toLowerCase());
  if (other === undefined) return;
  throw new DownbeatError("response_invalid", {
    message: `The API was asked about run ${asked} and answered about run ${other}.`,
  });
}

type Answer = {
  readonly id?: unknown;
  readonly flowName?: unknown;
  readonly items?: readonly { readonly runId?: unknown; readonly taskName?: unknown }[];
};

/** Of a run, its id; of task runs, their run's. Chunks of a log are told apart one by one, by their readers. */
function runIdsIn(answer: unknown): string[] {
  if (typeof answer !== "object" || answer === null) return [];
  const { id, flowName, items } = answer as Answer;
  const taskRuns = Array.isArray(items) ? items.filter((item) => item.taskName !== undefined) : [];
  return [...(flowName === undefined ? [] : [id]), ...taskRuns.map(({ runId }) => runId)].map(
    String,
  );
}
