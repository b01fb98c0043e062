import { Command } from "commander";
import { isTerminal } from "@downbeat/contract";
import { action, type CliContext } from "../context.ts";
import { bulkRuns, withBulkOptions, type BulkOptions } from "../runs/bulk-runs.ts";
import { findRunId } from "../runs/find-run.ts";
import { oneOrMany } from "../runs/one-or-many.ts";
import { watchRun } from "../runs/watch-run.ts";

type Options = BulkOptions & { wait?: boolean; timeout?: string };

export function runsCancelCommand(): Command {
  return withBulkOptions(
    new Command("cancel")
      .argument("[run]", "run id, a unique beginning of one, or @last")
      .description("cancel runs and those they triggered; processes are stopped with their group"),
  )
    .option("-w, --wait", "wait until the run is over")
    .option("--timeout <duration>", "how long to wait at most (90s, 5m)")
    .action(action(cancelRun))
    .addHelpText(
      "after",
      "\nWith --json: { run, accepted }; with --wait the run as it stands when it is over; with a filter { matched, done }.",
    );
}

async function cancelRun(context: CliContext, options: Options, given?: string): Promise<void> {
  if (oneOrMany(given, options) === "many") return bulkRuns(context, { action: "cancel" }, options);
  const { client } = await context.connect();
  const runId = await findRunId(client, given ?? "");
  const answer = await client.call("cancelRun", { params: { runId } });
  const { state } = answer.run;
  const words = isTerminal(state.type)
    ? `Run ${runId} is ${state.name}.`
    : `Asked to cancel run ${runId}.`;
  if (options.wait === true) {
    context.output.note(words);
    await watchRun(context, runId, {
      timeout: options.timeout,
      expect: "any",
      silent: context.output.json,
    });
    const run = await client.call("readRun", { params: { runId } });
    if (context.output.json) context.output.result({ run, accepted: answer.accepted }, () => "");
    return;
  }
  context.output.result(answer, () => words);
}
