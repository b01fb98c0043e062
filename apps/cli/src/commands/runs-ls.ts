import { Command } from "commander";
import type { Run, StateType } from "@downbeat/contract";
import { action, type CliContext } from "../context.ts";
import { limitOption } from "../options.ts";
import type { Output } from "../output.ts";
import { parseStates } from "../runs/parse-states.ts";
import { stateWords } from "../state-words.ts";
import { table } from "../table.ts";
import { relativeWords, spanWords } from "../time-words.ts";

type Options = { state?: StateType[]; flow?: string; limit: number };

export function runsLsCommand(): Command {
  return new Command("ls")
    .alias("list")
    .description("list runs, newest first")
    .option(
      "-s, --state <types>",
      "only these state types, comma-separated (failed,crashed)",
      parseStates,
    )
    .option("-f, --flow <name>", "only runs of this flow")
    .addOption(limitOption())
    .action(action(listRuns))
    .addHelpText("after", "\nWith --json: { items, nextCursor }, as GET /v1/runs returns it.");
}

async function listRuns(context: CliContext, { state, flow, limit }: Options): Promise<void> {
  const { client } = await context.connect();
  const query = {
    limit,
    ...(state !== undefined && { stateType: state }),
    ...(flow !== undefined && { flowName: flow }),
  };
  const page = await client.call("listRuns", { query });
  const { items } = page;
  if (items.length === 0) context.output.note("No runs match.");
  context.output.result(page, (colors) => runTable(colors, items, context.now()));
}

function runTable(colors: Output["colors"], runs: readonly Run[], now: Date): string {
  if (runs.length === 0) return "";
  const rows = runs.map((run) => [
    run.id.slice(0, SHORT_ID_LENGTH),
    stateWords(colors, run.state),
    run.deploymentName === null || run.deploymentName === "default"
      ? run.flowName
      : `${run.flowName}/${run.deploymentName}`,
    relativeWords(run.createdAt, now),
    spanWords(run.startedAt, run.endedAt, now),
    run.error?.class ?? "",
  ]);
  return table(["ID", "STATE", "FLOW", "CREATED", "TOOK", "ERROR"], rows);
}

// The time part of an id and some of its random part: short, and still unique in practice.
const SHORT_ID_LENGTH = "019a2b3c-4d5e-7f60".length;
