import { Command } from "commander";
import { runsCancelCommand } from "./runs-cancel.ts";
import { runsLogsCommand } from "./runs-logs.ts";
import { runsLsCommand } from "./runs-ls.ts";
import { runsViewCommand } from "./runs-view.ts";
import { runsWhyCommand } from "./runs-why.ts";
import { runsWatchCommand } from "./runs-watch.ts";

export function runsCommand(): Command {
  return new Command("runs")
    .description("list, read, watch and cancel runs")
    .addCommand(runsLsCommand())
    .addCommand(runsViewCommand())
    .addCommand(runsLogsCommand())
    .addCommand(runsWatchCommand())
    .addCommand(runsWhyCommand())
    .addCommand(runsCancelCommand());
}
