import { Command } from "commander";
import { action, type CliContext } from "../context.ts";
import { bulkRuns, withBulkOptions, type BulkOptions } from "../runs/bulk-runs.ts";
import { findRunId } from "../runs/find-run.ts";
import { oneOrMany } from "../runs/one-or-many.ts";

export function runsDeleteCommand(): Command {
  return withBulkOptions(
    new Command("delete")
      .alias("rm")
      .argument("[run]", "run id or a unique beginning of one")
      .description("delete ended runs with their history, task runs and logs"),
  )
    .action(action(remove))
    .addHelpText("after", "\nWith --json: { deleted }; with a filter { matched, done }.");
}

async function remove(context: CliContext, options: BulkOptions, given?: string): Promise<void> {
  if (oneOrMany(given, options) === "many") return bulkRuns(context, { action: "delete" }, options);
  const { client } = await context.connect();
  const runId = await findRunId(client, given ?? "");
  const answer = await client.call("deleteRun", { params: { runId } });
  context.output.result(answer, () => `Run ${runId} is deleted.`);
}
