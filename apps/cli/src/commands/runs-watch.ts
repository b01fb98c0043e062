import { Command } from "commander";
import { action, type CliContext } from "../context.ts";
import { findRunId } from "../runs/find-run.ts";
import { watchRun } from "../runs/watch-run.ts";

export function runsWatchCommand(): Command {
  return new Command("watch")
    .argument("<run>", "run id, a unique beginning of one, or @last")
    .description("print a run's states as they come; exits 0 only when it completes")
    .option("--timeout <duration>", "how long to wait at most (90s, 5m)")
    .action(action(watch))
    .addHelpText(
      "after",
      "\nWith --json: one state a line: { sequence, type, name, at, epoch, actor, reason, error }.",
    );
}

async function watch(
  context: CliContext,
  { timeout }: { timeout?: string },
  given: string,
): Promise<void> {
  const { client } = await context.connect();
  await watchRun(context, await findRunId(client, given), { timeout, expect: "completed" });
}
