import { Command } from "commander";
import { action, type CliContext } from "../context.ts";
import { interruptSignal } from "../interrupt.ts";
import { findRunId } from "../runs/find-run.ts";
import { logLineWords } from "../runs/log-words.ts";

type Options = { follow?: boolean };

export function runsLogsCommand(): Command {
  return new Command("logs")
    .argument("<run>", "run id, a unique beginning of one, or @last")
    .description("print a run's log, opened on this machine with the workspace key")
    .option("-f, --follow", "go on until the run is over")
    .action(action(printLogs))
    .addHelpText(
      "after",
      "\nWith --json: one line a document: { at, level, logger, text, fields?, taskRunId? }.",
    );
}

async function printLogs(
  context: CliContext,
  { follow = false }: Options,
  given: string,
): Promise<void> {
  const { client } = await context.connect();
  const { output } = context;
  const runId = await findRunId(client, given);
  const { opener } = await context.unlock();
  const { followLogs } = await import("../runs/follow-logs.ts");
  await followLogs(client, runId, opener, {
    follow,
    signal: interruptSignal(),
    onLine: (line) => output.event(line, logLineWords(output.colors, line)),
    onGap: (words) => output.warn(output.noteColors.yellow(words)),
  });
}
