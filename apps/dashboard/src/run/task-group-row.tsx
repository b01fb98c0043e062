import { useState } from "react";
import { countWords } from "../format/count.ts";
import { StateBadge } from "../ui/state-badge.tsx";
import type { TaskGroup } from "./task-groups.ts";
import { TaskRunRow } from "./task-run-row.tsx";
import type { RunSpan } from "./use-run-span.ts";

const ROWS_AT_ONCE = 200;

/** All runs of one task: how many in which state, and the rows behind it. Opens by itself when something failed. */
export function TaskGroupRow({ group, span }: { group: TaskGroup; span: RunSpan }) {
  const [chosen, setChosen] = useState<boolean>();
  const [most, setMost] = useState(ROWS_AT_ONCE);
  const open = chosen ?? group.failed;
  const shown = open ? group.taskRuns.slice(0, most) : [];
  return (
    <tbody>
      <tr className="tasks__group">
        <td>
          <button
            type="button"
            className="disclosure"
            aria-expanded={open}
            onClick={() => setChosen(!open)}
          >
            <span aria-hidden="true">{open ? "▾" : "▸"}</span> {group.taskName}{" "}
            <span className="quiet number">× {countWords(group.taskRuns.length)}</span>
          </button>
        </td>
        <td colSpan={5}>
          {group.counts.map(({ state, count }) => (
            <span key={state.name} className="tasks__count">
              <StateBadge state={state} /> <span className="number">{countWords(count)}</span>
            </span>
          ))}
        </td>
      </tr>
      {shown.map((taskRun) => (
        <TaskRunRow key={taskRun.id} taskRun={taskRun} span={span} />
      ))}
      {shown.length < group.taskRuns.length && open && (
        <tr>
          <td colSpan={6}>
            <button type="button" className="button" onClick={() => setMost(most + ROWS_AT_ONCE)}>
              Show more of {group.taskName}
            </button>
          </td>
        </tr>
      )}
    </tbody>
  );
}
