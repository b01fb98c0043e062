import { ErrorDetail, type TaskRun } from "@downbeat/contract";
import { z } from "zod";
import { SealedValue } from "../sealed/sealed-value.tsx";
import { lookOf } from "../state/state-look.ts";
import { Duration } from "../ui/duration.tsx";
import { StateBadge } from "../ui/state-badge.tsx";
import { taskBar } from "./task-bar.ts";
import type { RunSpan } from "./use-run-span.ts";

const RenderedName = z.string();

export function TaskRunRow({ taskRun, span }: { taskRun: TaskRun; span: RunSpan }) {
  return (
    <tr>
      <td>
        {taskRun.taskName}
        <span className="quiet number"> #{taskRun.index}</span>
        <Rendered taskRun={taskRun} />
      </td>
      <td>
        <StateBadge state={taskRun.state} />
        <TaskError taskRun={taskRun} />
      </td>
      <td>
        <Duration from={taskRun.startedAt} to={taskRun.endedAt} />
      </td>
      <td className="number">{taskRun.attempt}</td>
      <td className="number">{taskRun.upstream.length}</td>
      <td>
        <Bar taskRun={taskRun} span={span} />
      </td>
    </tr>
  );
}

function Rendered({ taskRun }: { taskRun: TaskRun }) {
  if (taskRun.renderedName === null) return null;
  const context = { kind: "rendered-name", ...placeOf(taskRun) } as const;
  return (
    <div className="tasks__rendered">
      <SealedValue
        label="name"
        blob={taskRun.renderedName}
        context={context}
        schema={RenderedName}
        compact
      >
        {(name) => <span className="quiet">{name}</span>}
      </SealedValue>
    </div>
  );
}

function TaskError({ taskRun }: { taskRun: TaskRun }) {
  if (taskRun.error === null) return null;
  const context = { kind: "error", ...placeOf(taskRun) } as const;
  return (
    <div className="tasks__error">
      <code>{taskRun.error.class}</code>{" "}
      {taskRun.error.detail !== null && (
        <SealedValue
          label="error message"
          blob={taskRun.error.detail}
          context={context}
          schema={ErrorDetail}
          compact
        >
          {({ message }) => <span title={message}>{message}</span>}
        </SealedValue>
      )}
    </div>
  );
}

function placeOf({ id, runId, epoch }: TaskRun): { run: string; task: string; epoch: number } {
  return { run: runId, task: id, epoch };
}

function Bar({ taskRun, span }: { taskRun: TaskRun; span: RunSpan }) {
  const bar = taskBar(taskRun, span);
  if (bar === undefined) return null;
  const style = { left: `${bar.leftPercent}%`, width: `${bar.widthPercent}%` };
  return (
    <div className="bar" aria-hidden="true">
      <div className={`bar__fill state--${lookOf(taskRun.state).tone}`} style={style} />
    </div>
  );
}
