import { Command } from "commander";
import { DownbeatError } from "@downbeat/contract";
import { action, type CliContext } from "../context.ts";
import { collect } from "../options.ts";
import { findRunId } from "../runs/find-run.ts";

type Options = { param?: string[]; params?: string };

export function runsResumeCommand(): Command {
  return new Command("resume")
    .argument("<run>", "run id, a unique beginning of one, or @last")
    .description("let a paused run go on; its input is checked and sealed on this machine")
    .option(
      "-p, --param <name=value>",
      "one field of the input, read as its schema wants it (repeatable)",
      collect,
    )
    .option("--params <source>", "the whole input as a JSON object: @file, - for stdin, or JSON")
    .action(action(resume))
    .addHelpText("after", "\nWith --json: the run.");
}

async function resume(context: CliContext, options: Options, given: string): Promise<void> {
  const { client } = await context.connect();
  const runId = await findRunId(client, given);
  const { pause, state } = await client.call("readRun", { params: { runId } });
  if (pause === null) {
    throw new DownbeatError("transition_rejected", {
      message: `The run ${runId} is ${state.name}; only a paused run can be resumed.`,
    });
  }
  const { sealInput } = await import("../runs/seal-input.ts");
  const input = await sealInput(context, { runId, pause }, options);
  const run = await client.call("resumeRun", { params: { runId }, body: { input } });
  context.output.result(run, () => `Run ${runId} goes on from "${pause.key}".`);
}
