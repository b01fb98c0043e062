import { Command } from "commander";
import { action, type CliContext } from "../context.ts";
import { bulkRuns, withBulkOptions, type BulkOptions } from "../runs/bulk-runs.ts";
import { findRunId } from "../runs/find-run.ts";
import { oneOrMany } from "../runs/one-or-many.ts";

export function runsRetryCommand(): Command {
  return withBulkOptions(
    new Command("retry")
      .argument("[run]", "run id, a unique beginning of one, or @last")
      .option("--from-failed", "do not repeat tasks whose results were kept")
      .description("run ended runs again, whatever their retry policy says"),
  )
    .action(action(retry))
    .addHelpText(
      "after",
      `
Without --from-failed the flow and all its tasks run again. With it, tasks with persist that have completed in this run are
not repeated: their results are read from your storage.

A filter without --state means runs that failed, crashed or were cancelled.

With --json: the run; with a filter { matched, done }.`,
    );
}

type RetryCommandOptions = BulkOptions & { readonly fromFailed?: boolean };

async function retry(
  context: CliContext,
  { fromFailed = false, ...options }: RetryCommandOptions,
  given?: string,
): Promise<void> {
  const mode = fromFailed ? "from_failed" : "from_start";
  if (oneOrMany(given, options) === "many")
    return bulkRuns(context, { action: "retry", mode }, options);
  const { client } = await context.connect();
  const runId = await findRunId(client, given ?? "");
  const run = await client.call("retryRun", { params: { runId }, body: { mode } });
  context.output.result(run, () => `Run ${runId} waits for an agent again.`);
}
