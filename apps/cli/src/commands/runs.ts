import { Command } from "commander";
import { runsArtifactsCommand } from "./runs-artifacts.ts";
import { runsCancelCommand } from "./runs-cancel.ts";
import { runsDaysCommand } from "./runs-days.ts";
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
    .description("list, count, read, watch, cancel, resume, retry and delete runs")
    .addCommand(runsLsCommand())
    .addCommand(runsDaysCommand())
    .addCommand(runsViewCommand())
    .addCommand(runsLogsCommand())
    .addCommand(runsArtifactsCommand())
    .addCommand(runsWatchCommand())
    .addCommand(runsWhyCommand())
    .addCommand(runsCancelCommand())
    .addCommand(runsResumeCommand())
    .addCommand(runsRetryCommand())
    .addCommand(runsSetStateCommand())
    .addCommand(runsDeleteCommand());
}
