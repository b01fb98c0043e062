import { resolve } from "node:path";
import { Command, Option } from "commander";
import { DownbeatError } from "@downbeat/contract";
import { confirm } from "../confirm.ts";
import { action, type CliContext } from "../context.ts";
import { parseDurationMs } from "../duration.ts";

type Options = {
  project: string;
  storage: string;
  olderThan: string;
  part?: "runs" | "cache";
  dryRun?: boolean;
  yes?: boolean;
};

export function resultsCommand(): Command {
  return new Command("results")
    .description("what tasks and flows of this project have kept")
    .addCommand(pruneCommand());
}

function pruneCommand(): Command {
  return new Command("prune")
    .description("delete old results and cached values")
    .option("--older-than <duration>", "those kept longer ago than this (90m, 48h, 30d)", "30d")
    .option("--project <dir>", "the project directory, the same that agents run in", ".")
    .option(
      "--storage <place>",
      "a directory, or a module of the project and the storage it exports (src/storage.ts#bucket)",
      ".downbeat/results",
    )
    .addOption(
      new Option("--part <part>", "only results of runs, or only cached values").choices([
        "runs",
        "cache",
      ]),
    )
    .option("--dry-run", "only count them")
    .option("-y, --yes", "do not ask")
    .action(action(prune))
    .addHelpText("after", PRUNE_HELP);
}

const PRUNE_HELP = `
Works beside everything that keeps and reads results; a run that would have used one again makes it again. No API is asked. A
module is imported in a process of its own. A storage of your own is counted by its method prunable, and pruned by prune.

With --json: { matched, done, bytes }.`;

const LEAST_AGE_MS = 60_000;

async function prune(context: CliContext, options: Options): Promise<void> {
  const { project, storage, olderThan, part } = options;
  const olderThanMs = parseDurationMs(olderThan);
  // Younger ones may be being written.
  if (olderThanMs < LEAST_AGE_MS)
    throw new DownbeatError("usage_invalid", {
      message: `--older-than is ${olderThan}; give at least 1m.`,
    });
  const { pruneStorage } = await import("../results/prune-storage.ts");
  const parts = part === undefined ? (["runs", "cache"] as const) : [part];
  const pruning = (dryRun: boolean): Promise<{ count: number; bytes: number }> =>
    pruneStorage(resolve(project), storage, { parts, olderThanMs, dryRun });
  const { count: matched, bytes } = await pruning(true);
  const words = `${matched} kept longer ago than ${olderThan}, ${bytes} bytes`;
  if (options.dryRun === true || matched === 0)
    return context.output.result({ matched, done: 0, bytes }, () => `${words}.`);
  if (options.yes !== true) await confirm(context, `delete ${words}`);
  const deleted = await pruning(false);
  const result = { matched, done: deleted.count, bytes: deleted.bytes };
  context.output.result(result, () => `${deleted.count} deleted, ${deleted.bytes} bytes.`);
}
