import { Command } from "commander";
import type {
  ErrorDetail,
  ResultPointer,
  RunDetail,
  RunStateRecord,
  TaskRun,
} from "@downbeat/contract";
import { action, type CliContext } from "../context.ts";
import { findRunId } from "../runs/find-run.ts";
import { openRun, type OpenedRun } from "../runs/open-run.ts";
import { errorDetailWords, type Opened } from "../runs/run-error.ts";
import { showControls } from "../runs/log-words.ts";
import type { Output } from "../output.ts";
import { stateLine, stateWords } from "../state-words.ts";
import { table } from "../table.ts";
import { spanWords } from "../time-words.ts";

type RunView = {
  run: RunDetail;
  states: RunStateRecord[];
  taskRuns: TaskRun[];
  opened: OpenedRun;
};

export function runsViewCommand(): Command {
  return new Command("view")
    .argument("<run>", "run id, a unique beginning of one, or @last")
    .description("show a run: states, task runs, and what the key on this machine opens")
    .action(action(viewRun))
    .addHelpText(
      "after",
      `
With --json: { run, states, taskRuns, opened: { parameters, error, result, taskResults } }. Each part of "opened" is null,
{ "value": … } or { "sealed": "why it stayed closed" }; "taskResults" has one for each task run that keeps its result, by
id. A result is shown as where it is kept: { location, serializer, bytes }. It stays in your storage.`,
    );
}

async function viewRun(context: CliContext, _options: object, given: string): Promise<void> {
  const { client } = await context.connect();
  const params = { runId: await findRunId(client, given) };
  const [run, states, taskRuns] = await Promise.all([
    client.call("readRun", { params }),
    client.call("listRunStates", { params }),
    client.call("listTaskRuns", { params, query: { limit: 200 } }),
  ]);
  const view = {
    run,
    states: states.items,
    taskRuns: taskRuns.items,
    opened: await openRun(context, run, taskRuns.items),
  };
  context.output.result(view, (colors) => viewWords(colors, view, context.now()));
}

function viewWords(
  colors: Output["colors"],
  { run, states, taskRuns, opened }: RunView,
  now: Date,
): string {
  const { bold, dim } = colors;
  const facts = [
    ["flow", run.deploymentName === null ? run.flowName : `${run.flowName}/${run.deploymentName}`],
    ["state", `${stateWords(colors, run.state)}${run.why === null ? "" : `  ${run.why}`}`],
    ["took", spanWords(run.startedAt, run.endedAt, now)],
    ["agent", run.agentName ?? ""],
    ["tags", run.tags.join(", ")],
    ["parameters", parameterWords(run, opened)],
    ["result", opened.result === null ? "" : openedWords(opened.result, resultWords)],
    ["error", run.error === null ? "" : errorWords(run.error, opened.error)],
  ].filter(([, words]) => words !== "");
  return [
    bold(run.id),
    ...facts.map(([name = "", words = ""]) => `${dim(name.padEnd(10))}  ${indentRest(words)}`),
    "",
    ...states.map((state) => stateLine(colors, state)),
    ...(taskRuns.length === 0 ? [] : ["", taskTable(colors, { taskRuns, opened }, now)]),
  ].join("\n");
}

function parameterWords({ hostTransit }: RunDetail, { parameters }: OpenedRun): string {
  if (parameters === null) return "none";
  const words = openedWords(parameters, (value) => JSON.stringify(value));
  return hostTransit ? `${words}\nsent in clear, sealed by the hosted plane (host-transit)` : words;
}

function openedWords<T>(opened: Opened<T>, words: (value: T) => string): string {
  return "value" in opened ? showControls(words(opened.value)) : `sealed (${opened.sealed})`;
}

function errorWords(
  error: NonNullable<RunDetail["error"]>,
  opened: Opened<ErrorDetail> | null,
): string {
  const exit = error.signal ?? (error.exitCode === null ? "" : `exit code ${error.exitCode}`);
  const head = `${error.class}${exit === "" ? "" : ` (${exit})`}`;
  if (opened === null) return head;
  return "value" in opened
    ? openedWords(opened, errorDetailWords)
    : `${head}, ${openedWords(opened, String)}`;
}

function taskTable(
  colors: Output["colors"],
  { taskRuns, opened: { taskResults } }: Pick<RunView, "taskRuns" | "opened">,
  now: Date,
): string {
  const keepsResults = Object.keys(taskResults).length > 0;
  const rows = taskRuns.map((task) => [
    `${task.taskName} #${task.index}`,
    stateWords(colors, task.state),
    `${task.attempt}`,
    spanWords(task.startedAt, task.endedAt, now),
    task.error?.class ?? "",
    ...(keepsResults ? [taskResultWords(taskResults[task.id])] : []),
  ]);
  const columns = [
    "TASK",
    "STATE",
    "ATTEMPT",
    "TOOK",
    "ERROR",
    ...(keepsResults ? ["RESULT"] : []),
  ];
  return table(columns, rows);
}

function taskResultWords(opened: Opened<ResultPointer> | undefined): string {
  return opened === undefined ? "" : openedWords(opened, resultWords);
}

function resultWords({ location, serializer, bytes }: ResultPointer): string {
  return `${location} (${serializer}, ${bytes} bytes)`;
}

function indentRest(words: string): string {
  return words.replaceAll("\n", `\n${" ".repeat(12)}`);
}
