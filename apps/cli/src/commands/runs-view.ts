import { Command } from "commander";
import {
  placeOfParameters,
  type ErrorDetail,
  type RunDetail,
  type RunStateRecord,
  type TaskRun,
} from "@downbeat/contract";
import { action, type CliContext } from "../context.ts";
import { findRunId } from "../runs/find-run.ts";
import { errorDetailWords, openError, tryOpen, type Opened } from "../runs/run-error.ts";
import { showControls } from "../runs/log-words.ts";
import type { Output } from "../output.ts";
import { stateLine, stateWords } from "../state-words.ts";
import { table } from "../table.ts";
import { spanWords } from "../time-words.ts";

type RunView = {
  run: RunDetail;
  states: RunStateRecord[];
  taskRuns: TaskRun[];
  opened: { parameters: Opened<unknown> | null; error: Opened<ErrorDetail> | null };
};

export function runsViewCommand(): Command {
  return new Command("view")
    .argument("<run>", "run id, a unique beginning of one, or @last")
    .description("show a run: states, task runs, and what the key on this machine opens")
    .action(action(viewRun))
    .addHelpText(
      "after",
      `
With --json: { run, states, taskRuns, opened: { parameters, error } }. Each part of "opened" is null,
{ "value": … } or { "sealed": "why it stayed closed" }.`,
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
    opened: await openSealed(context, run),
  };
  context.output.result(view, (colors) => viewWords(colors, view, context.now()));
}

async function openSealed(context: CliContext, run: RunDetail): Promise<RunView["opened"]> {
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
  };
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
    [
      "parameters",
      opened.parameters === null
        ? "none"
        : openedWords(opened.parameters, (value) => JSON.stringify(value)),
    ],
    ["error", run.error === null ? "" : errorWords(run.error, opened.error)],
  ].filter(([, words]) => words !== "");
  return [
    bold(run.id),
    ...facts.map(([name = "", words = ""]) => `${dim(name.padEnd(10))}  ${indentRest(words)}`),
    "",
    ...states.map((state) => stateLine(colors, state)),
    ...(taskRuns.length === 0 ? [] : ["", taskTable(colors, taskRuns, now)]),
  ].join("\n");
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

function taskTable(colors: Output["colors"], taskRuns: readonly TaskRun[], now: Date): string {
  const rows = taskRuns.map((task) => [
    `${task.taskName} #${task.index}`,
    stateWords(colors, task.state),
    `${task.attempt}`,
    spanWords(task.startedAt, task.endedAt, now),
    task.error?.class ?? "",
  ]);
  return table(["TASK", "STATE", "ATTEMPT", "TOOK", "ERROR"], rows);
}

function indentRest(words: string): string {
  return words.replaceAll("\n", `\n${" ".repeat(12)}`);
}
