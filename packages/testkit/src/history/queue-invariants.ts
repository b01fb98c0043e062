import type { Evidence, Invariant } from "./invariant.ts";
import { tenuresOf } from "./final-state.ts";
import { mostAtOnce } from "./lease-invariants.ts";

/** What must hold for queues; unchecked where the plane's record of them cannot be had. */
export const queueInvariants = {
  queue_limit_holds: queueLimitHolds,
  paused_queue_gives_nothing: pausedQueueGivesNothing,
} satisfies Record<string, Invariant>;

function queueLimitHolds({ state }: Evidence): string[] {
  return [...(state.queueLimits ?? [])].flatMap(([queueName, limit]) => {
    const inQueue = state.runs.filter((run) => run.queueName === queueName);
    const peak = mostAtOnce(inQueue.flatMap((run) => tenuresOf(run, state.atMs)));
    return peak > limit
      ? [`The queue ${queueName} held ${peak} leases at once; ${limit} are allowed.`]
      : [];
  });
}

function pausedQueueGivesNothing({ state }: Evidence): string[] {
  const closed = state.closedTimes ?? [];
  if (closed.length === 0) return [];
  return state.runs.flatMap(({ runId, queueName, history }) =>
    history
      .filter(({ type, atMs }) => {
        const isClosed = closed.some(
          ({ name, fromMs, untilMs }) =>
            (name === null || name === queueName) && fromMs < atMs && atMs < untilMs,
        );
        return type === "PENDING" && isClosed;
      })
      .map(({ atMs }) => `The run ${runId} was claimed at ${atMs} ms, while it was paused.`),
  );
}
