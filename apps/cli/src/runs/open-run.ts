import {
  placeOfParameters,
  ResultPointer,
  type ErrorDetail,
  type RunDetail,
  type TaskRun,
} from "@downbeat/contract";
import type { Opener } from "@downbeat/seal";
import type { CliContext } from "../context.ts";
import { openError, tryOpen, type Opened } from "./run-error.ts";

/** What is sealed of a run; null where there is nothing. */
export type OpenedRun = {
  readonly parameters: Opened<unknown> | null;
  readonly error: Opened<ErrorDetail> | null;
  readonly result: Opened<ResultPointer> | null;
  /** Of task runs that keep theirs, by id. */
  readonly taskResults: Readonly<Record<string, Opened<ResultPointer>>>;
};

/** Opens what the key on this machine opens; what it does not is an answer too. */
export async function openRun(
  context: CliContext,
  run: RunDetail,
  taskRuns: readonly TaskRun[],
): Promise<OpenedRun> {
  const opener = async () => (await context.unlock()).opener;
  const { parameters } = run;
  const dep = run.deploymentName === null ? run.flowName : `${run.flowName}/${run.deploymentName}`;
  return {
    parameters:
      parameters === null
        ? null
        : await tryOpen(async () =>
            (await opener()).open(parameters, placeOfParameters(parameters, { dep, run: run.id })),
          ),
    error: await openError(opener, { run: run.id, epoch: run.epoch }, run.error),
    result: await openResult(opener, { run: run.id }, run.result),
    taskResults: await openTaskResults(opener, taskRuns),
  };
}

async function openTaskResults(
  opener: () => Promise<Opener>,
  taskRuns: readonly TaskRun[],
): Promise<OpenedRun["taskResults"]> {
  const results: Record<string, Opened<ResultPointer>> = {};
  for (const { id: task, runId: run, result } of taskRuns) {
    const opened = await openResult(opener, { run, task }, result);
    if (opened !== null) results[task] = opened;
  }
  return results;
}

// Not bound to the newest attempt: an earlier one may have kept it.
async function openResult(
  opener: () => Promise<Opener>,
  place: { run: string; task?: string },
  result: string | null,
): Promise<Opened<ResultPointer> | null> {
  if (result === null) return null;
  return tryOpen(async () =>
    ResultPointer.parse(await (await opener()).open(result, { kind: "result", ...place })),
  );
}
