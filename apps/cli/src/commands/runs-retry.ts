import { Command } from "commander";
import { action, type CliContext } from "../context.ts";
import { bulkRuns, withBulkOptions, type BulkOptions } from "../runs/bulk-runs.ts";
import { findRunId } from "../runs/find-run.ts";
import { oneOrMany } from "../runs/one-or-many.ts";

export function runsRetryCommand(): Command {
  return withBulkOptions(
    new Command("retry")
      .argument("[run]", "run id, a unique beginning of one, or @last")
      .description("run ended runs again, whatever their retry policy says"),
  )
    .action(action(retry))
    .addHelpText(
      "after",
      `
A filter without --state means runs that failed, crashed or were cancelled.

With --json: the run; with a filter { matched, done }.`,
    );
}

async function retry(context: CliContext, options: BulkOptions, given?: string): Promise<void> {
  if (oneOrMany(given, options) === "many") return bulkRuns(context, "retry", options);
  const { client } = await context.connect();
  const runId = await findRunId(client, given ?? "");
  const run = await client.call("retryRun", { params: { runId } });
  context.output.result(run, () => `Run ${runId} waits for an agent again.`);
}
