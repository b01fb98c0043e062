import type { TaskRunItem } from "@downbeat/contract";
import type { Fence } from "@downbeat/sdk/protocol";
import type { WorkerEvent } from "./launchers/worker-message.ts";
import type { ObservedError, Sealer } from "./sealer.ts";

export type TaskRunEvent = Extract<WorkerEvent, { kind: "task_run" }>;

// The sealed text of a rendered name may have 4 KiB.
const LONGEST_RENDERED_NAME = 512;

/** A state of a task run as it is reported, sealed. */
export async function taskRunItem(
  event: TaskRunEvent,
  fence: Fence,
  sealer: Sealer,
): Promise<TaskRunItem> {
  const { renderedName, result, cacheKey } = event;
  const place = { run: fence.runId, task: event.taskRunId, epoch: fence.epoch };
  const [error, name, sealedResult, cacheTag] = await Promise.all([
    event.error === undefined
      ? null
      : sealer.sealError(place, { detail: event.error } as ObservedError),
    renderedName === undefined
      ? null
      : sealer.seal(
          { kind: "rendered-name", ...place },
          renderedName.slice(0, LONGEST_RENDERED_NAME),
        ),
    result === undefined ? null : sealer.seal({ kind: "result", ...place }, result),
    cacheKey === undefined ? null : sealer.tagCacheKey(cacheKey),
  ]);
  const { taskRunId, taskName, index, sequence, state, attempt, upstream } = event;
  return {
    kind: "task_run",
    ...fence,
    taskRunId,
    taskName,
    index,
    sequence,
    ...state,
    attempt,
    startedAt: event.startedAt ?? null,
    endedAt: event.endedAt ?? null,
    upstream,
    renderedName: name,
    error,
    result: sealedResult,
    cacheTag,
  };
}
