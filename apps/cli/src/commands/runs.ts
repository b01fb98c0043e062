import { Command } from "commander";
import { runsCancelCommand } from "./runs-cancel.ts";
import { runsDeleteCommand } from "./runs-delete.ts";
import { runsLogsCommand } from "./runs-logs.ts";
import { runsLsCommand } from "./runs-ls.ts";
import { runsResumeCommand } from "./runs-resume.ts";
import { runsRetryCommand } from "./runs-retry.ts";
import { runsSetStateCommand } from "./runs-set-state.ts";
import { runsViewCommand } from "./runs-view.ts";
import { runsWhyCommand } from "./runs-why.ts";
import { runsWatchCommand } from "./runs-watch.ts";

export function runsCommand(): Command {
  return new Command("runs")
    .description("list, read, watch, cancel, resume, retry and delete runs")
    .addCommand(runsLsCommand())
    .addCommand(runsViewCommand())
    .addCommand(runsLogsCommand())
    .addCommand(runsWatchCommand())
    .addCommand(runsWhyCommand())
    .addCommand(runsCancelCommand())
    .addCommand(runsResumeCommand())
    .addCommand(runsRetryCommand())
    .addCommand(runsSetStateCommand())
    .addCommand(runsDeleteCommand());
}
