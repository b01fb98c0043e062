import { isTerminal, type TaskRun } from "@downbeat/contract";
import { lookOf, type Tone } from "../state/state-look.ts";

/** Above this many task runs, those of one task share a row. */
export const MOST_UNGROUPED = 200;

export type TaskGroup = {
  readonly taskName: string;
  readonly taskRuns: readonly TaskRun[];
  /** How many are in each state, the worst first. */
  readonly counts: readonly { readonly state: TaskRun["state"]; readonly count: number }[];
  readonly failed: boolean;
};

const WORST_FIRST: readonly Tone[] = ["bad", "warn", "active", "waiting", "stopped", "good"];

/** Task runs by task, in order of each task's first run. */
export function groupTaskRuns(taskRuns: readonly TaskRun[]): TaskGroup[] {
  const byName = groupBy(taskRuns, ({ taskName }) => taskName);
  return [...byName].map(([taskName, runs]) => {
    const counts = countStates(runs);
    return { taskName, taskRuns: runs, counts, failed: counts.some(({ state }) => isBad(state)) };
  });
}

function countStates(taskRuns: readonly TaskRun[]): TaskGroup["counts"] {
  const byName = groupBy(taskRuns, ({ state }) => state.name);
  return [...byName.values()]
    .flatMap((runs) =>
      runs[0] === undefined ? [] : [{ state: runs[0].state, count: runs.length }],
    )
    .toSorted((a, b) => severity(a.state) - severity(b.state));
}

function severity(state: TaskRun["state"]): number {
  return WORST_FIRST.indexOf(lookOf(state).tone);
}

export function isBad(state: TaskRun["state"]): boolean {
  return isTerminal(state.type) && lookOf(state).tone === "bad";
}

// `Map.groupBy` came with Node 21 and is newer than some browsers in use.
function groupBy<T, K>(items: readonly T[], keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return groups;
}
