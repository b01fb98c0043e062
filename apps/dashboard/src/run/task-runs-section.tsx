import type { Run } from "@downbeat/contract";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useCaller } from "../api/caller-context.ts";
import { TASK_RUNS_AT_FIRST, taskRunsQuery } from "../api/queries.ts";
import { countWords } from "../format/count.ts";
import { ErrorNotice } from "../ui/error-notice.tsx";
import { groupTaskRuns, MOST_UNGROUPED } from "./task-groups.ts";
import { TaskGroupRow } from "./task-group-row.tsx";
import { TaskRunRow } from "./task-run-row.tsx";
import { useRunSpan } from "./use-run-span.ts";

export function TaskRunsSection({ run }: { run: Run }) {
  const [most, setMost] = useState(TASK_RUNS_AT_FIRST);
  const { data, error, isFetching, refetch } = useQuery(taskRunsQuery(useCaller(), run, most));
  const span = useRunSpan(run);
  const items = data?.items ?? [];
  return (
    <section className="panel" aria-label="Task runs">
      <h2>
        Task runs{" "}
        <span className="quiet number">{countWords(Math.max(run.taskRunCount, items.length))}</span>
      </h2>
      {error !== null && data === undefined && (
        <ErrorNotice
          what="The task runs could not be read"
          error={error}
          onRetry={() => void refetch()}
        />
      )}
      {data === undefined && error === null && <p className="quiet">Reading the task runs…</p>}
      {data !== undefined && items.length === 0 && <p className="quiet">No task was called.</p>}
      {items.length > 0 && (
        <table className="table tasks">
          <thead>
            <tr>
              <th scope="col">Task</th>
              <th scope="col">State</th>
              <th scope="col">Duration</th>
              <th scope="col">Attempts</th>
              <th scope="col" title="Task runs whose results went into this one">
                Upstream
              </th>
              <th scope="col">When</th>
            </tr>
          </thead>
          {items.length > MOST_UNGROUPED ? (
            groupTaskRuns(items).map((group) => (
              <TaskGroupRow key={group.taskName} group={group} span={span} />
            ))
          ) : (
            <tbody>
              {items.map((taskRun) => (
                <TaskRunRow key={taskRun.id} taskRun={taskRun} span={span} />
              ))}
            </tbody>
          )}
        </table>
      )}
      {data?.more === true && (
        <p className="notice">
          These are the first {countWords(items.length)} of {countWords(run.taskRunCount)}.{" "}
          <button
            type="button"
            className="button"
            disabled={isFetching}
            onClick={() => setMost(most * 10)}
          >
            {isFetching ? "Reading…" : "Read more"}
          </button>
        </p>
      )}
    </section>
  );
}
