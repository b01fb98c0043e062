import type { Caller } from "@downbeat/client/caller";
import type { Run, StateType, TaskRun } from "@downbeat/contract";
import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { createdOn } from "./created-on.ts";
import { readAll } from "./read-all.ts";
import { failedRefreshMs, listRefreshMs, RUN_DAYS_REFRESH_MS, runRefreshMs } from "./refresh.ts";

export type RunsQuery = {
  readonly stateTypes: readonly StateType[];
  readonly flowName: string | undefined;
  /** Only runs made on this day (UTC): `2026-11-23`. */
  readonly day: string | undefined;
  readonly cursor: string | undefined;
};

export function principalQuery(caller: Caller) {
  return queryOptions({
    queryKey: ["principal"],
    queryFn: ({ signal }) => caller.call("whoAmI", {}, { signal }),
    staleTime: 5 * 60_000,
  });
}

export function flowNamesQuery(caller: Caller) {
  return queryOptions({
    queryKey: ["flow-names"],
    queryFn: async ({ signal }) => {
      const flows = await readAll((query) => caller.call("listFlows", { query }, { signal }));
      return flows.map(({ name }) => name).toSorted((a, b) => a.localeCompare(b));
    },
    staleTime: 30_000,
  });
}

export function runsQuery(caller: Caller, { stateTypes, flowName, day, cursor }: RunsQuery) {
  return queryOptions({
    queryKey: ["runs", { stateTypes, flowName, day, cursor }],
    queryFn: ({ signal }) => {
      const stateType = stateTypes.length === 0 ? undefined : [...stateTypes];
      const query = { limit: 50, stateType, flowName, cursor, ...createdOn(day) };
      return caller.call("listRuns", { query }, { signal });
    },
    placeholderData: keepPreviousData,
    refetchInterval: ({ state: { error, data } }) =>
      error === null ? listRefreshMs(data?.items) : failedRefreshMs(error),
  });
}

/** How the runs of the last 14 days ended, day by day; of one flow, or of all. */
export function runDaysQuery(caller: Caller, flowName: string | undefined) {
  return queryOptions({
    queryKey: ["run-days", { flowName }],
    queryFn: async ({ signal }) =>
      (await caller.call("listRunDays", { query: { flowName } }, { signal })).days,
    placeholderData: keepPreviousData,
    staleTime: RUN_DAYS_REFRESH_MS,
    refetchInterval: RUN_DAYS_REFRESH_MS,
  });
}

export function runQuery(caller: Caller, runId: string) {
  return queryOptions({
    queryKey: ["run", runId],
    queryFn: ({ signal }) => caller.call("readRun", { params: { runId } }, { signal }),
    refetchInterval: ({ state: { error, data } }) =>
      error === null ? runRefreshMs(data?.state, Date.now()) : failedRefreshMs(error),
  });
}

/** Read again whenever the run has changed: its state is part of the key. */
export function runStatesQuery(caller: Caller, run: Run) {
  return queryOptions({
    queryKey: ["run-states", run.id, run.state.at, run.state.name],
    queryFn: async ({ signal }) => {
      const params = { runId: run.id };
      return (await caller.call("listRunStates", { params }, { signal })).items;
    },
    refetchInterval: ({ state: { error } }) => error !== null && failedRefreshMs(error),
    placeholderData: keepPreviousData,
  });
}

/** How many task runs are loaded without being asked for, in one page: as many as the API gives at once. */
export const TASK_RUNS_AT_FIRST = 1_000;

/** Read again at once when the run has changed, so that its end is not missed. */
export function taskRunsQuery(caller: Caller, run: Run, most: number) {
  return queryOptions({
    queryKey: ["task-runs", run.id, run.state.name, most],
    queryFn: ({ signal }) => readTaskRuns(caller, { runId: run.id, most, signal }),
    refetchInterval: ({ state: { error } }) => {
      if (error !== null) return failedRefreshMs(error);
      const refreshMs = runRefreshMs(run.state, Date.now());
      // Thousands of rows come in many pages: five times as patient.
      return refreshMs !== false && run.taskRunCount > 200 ? 5 * refreshMs : refreshMs;
    },
    placeholderData: keepPreviousData,
  });
}

async function readTaskRuns(
  caller: Caller,
  { runId, most, signal }: { runId: string; most: number; signal: AbortSignal },
): Promise<{ items: TaskRun[]; more: boolean }> {
  const items: TaskRun[] = [];
  let cursor: string | undefined;
  do {
    const query = { limit: TASK_RUNS_AT_FIRST, cursor };
    const page = await caller.call("listTaskRuns", { params: { runId }, query }, { signal });
    items.push(...page.items);
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined && items.length < most);
  return { items, more: cursor !== undefined };
}

// Read whole each time, images and all; what is large is read again more rarely.
const LARGE_CHARACTERS = 256 * 1024;

/** Read again at once when the run has changed, so that its end is not missed. */
export function artifactsQuery(caller: Caller, run: Run) {
  return queryOptions({
    queryKey: ["artifacts", run.id, run.state.name],
    queryFn: ({ signal }) => {
      const params = { runId: run.id };
      return readAll((query) => caller.call("listArtifacts", { params, query }, { signal }));
    },
    refetchInterval: ({ state: { error, data = [] } }) => {
      if (error !== null) return failedRefreshMs(error);
      const refreshMs = runRefreshMs(run.state, Date.now());
      const characters = data.reduce((sum, { detail }) => sum + detail.length, 0);
      return refreshMs !== false && characters > LARGE_CHARACTERS ? 5 * refreshMs : refreshMs;
    },
    placeholderData: keepPreviousData,
  });
}

export function metricsQuery(caller: Caller, run: Run) {
  return queryOptions({
    queryKey: ["metrics", run.id, run.state.name],
    queryFn: ({ signal }) => {
      const params = { runId: run.id };
      return readAll((query) => caller.call("listMetrics", { params, query }, { signal }));
    },
    refetchInterval: ({ state: { error } }) =>
      error === null ? runRefreshMs(run.state, Date.now()) : failedRefreshMs(error),
    placeholderData: keepPreviousData,
  });
}
