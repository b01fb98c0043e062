import { Command } from "commander";
import { DownbeatError } from "@downbeat/contract";
import { action, type CliContext } from "../context.ts";
import { interruptSignal } from "../interrupt.ts";
import { findRunId } from "../runs/find-run.ts";
import type { Output } from "../output.ts";
import type { LogNote } from "../runs/follow-logs.ts";
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
      `
What is missing, altered or not what was sent is said in its place on stderr, and the command exits with 8.

With --json: one line a document: { at, level, logger, text, fields?, taskRunId? }; what is wrong with the log is a document of
its own: { flaw, attempt, title, detail }.`,
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
  const { SealError } = await import("@downbeat/seal");
  const { followLogs } = await import("../runs/follow-logs.ts");
  const { isWhole, openedChunks, failure } = await followLogs(client, runId, opener, {
    follow,
    signal: interruptSignal(),
    onLine: (line) => output.event(line, logLineWords(output.colors, line)),
    onNote: (note) => tellNote(output, note),
  });
  if (openedChunks === 0 && failure?.code === "wrong_key")
    throw new SealError("wrong_key", failure.detail);
  if (!isWhole) {
    throw new DownbeatError("log_incomplete", {
      message: `The log of run ${runId} is not whole, or not known to be.`,
    });
  }
}

function tellNote(output: Output, { kind, epoch, title, detail }: LogNote): void {
  if (output.json) return output.event({ flaw: kind, attempt: epoch, title, detail }, "");
  output.warn(output.noteColors.yellow(`⚠ attempt ${epoch}: ${title}. ${detail}`));
}
