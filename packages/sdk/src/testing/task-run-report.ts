import type { StateName, StateType } from "@downbeat/contract";
import type { ErrorRecord, RunEvent, TaskRunEvent } from "../run-host.ts";

/** One call of a task, as a test sees it. Times are milliseconds since the test began, by its clock. */
export type TaskRunReport = {
  readonly taskName: string;
  /** The how-manieth run of this task, from 0. */
  readonly index: number;
  readonly state: { readonly type: StateType; readonly name: StateName };
  /** Every state it passed through, in order: `["Running", "AwaitingRetry", "Retrying", "Completed"]`. */
  readonly states: readonly StateName[];
  /** How many attempts were made. */
  readonly attempts: number;
  readonly startedAtMs?: number;
  readonly endedAtMs?: number;
  /** The task runs whose results it was given: `fetch-day#0`. */
  readonly upstream: readonly string[];
  /** What its last failed attempt threw, as it is recorded. */
  readonly error?: ErrorRecord;
  readonly renderedName?: string;
};

/** Task runs in the order in which they were first heard of. */
export function taskRunsIn(events: readonly RunEvent[], startedAtMs: number): TaskRunReport[] {
  const byId = new Map<string, TaskRunEvent[]>();
  for (const event of events) {
    if (event.kind !== "task_run") continue;
    const known = byId.get(event.taskRunId);
    if (known === undefined) byId.set(event.taskRunId, [event]);
    else known.push(event);
  }
  const labels = new Map(
    [...byId].map(([id, [first]]) => [id, `${first?.taskName}#${first?.index}`]),
  );
  const labelOf = (id: string) => labels.get(id) ?? id;
  return [...byId.values()].map((history) => reportOf(history, { labelOf, startedAtMs }));
}

function reportOf(
  history: readonly TaskRunEvent[],
  { labelOf, startedAtMs }: { labelOf: (id: string) => string; startedAtMs: number },
): TaskRunReport {
  const last = history.at(-1) as TaskRunEvent;
  const error = history.findLast((event) => event.error !== undefined)?.error;
  const sinceStart = (at: string) => Date.parse(at) - startedAtMs;
  return {
    taskName: last.taskName,
    index: last.index,
    state: { type: last.state.type, name: last.state.name },
    states: history.map((event) => event.state.name),
    attempts: last.startedAt === undefined ? 0 : last.attempt,
    ...(last.startedAt !== undefined && { startedAtMs: sinceStart(last.startedAt) }),
    ...(last.endedAt !== undefined && { endedAtMs: sinceStart(last.endedAt) }),
    upstream: last.upstream.map(labelOf),
    ...(error !== undefined && { error }),
    ...(last.renderedName !== undefined && { renderedName: last.renderedName }),
  };
}
