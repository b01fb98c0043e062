import { Command } from "commander";
import { endedRuns, type RunDayFilter } from "@downbeat/contract";
import { action, type CliContext } from "../context.ts";
import { parseDay } from "../parse-day.ts";
import { parseTarget } from "../parse-target.ts";

type Options = { flow?: string; from?: string; to?: string };

export function runsDaysCommand(): Command {
  return new Command("days")
    .description("count the runs that have ended, day by day and by how they ended")
    .option("-f, --flow <name>", "only runs of this flow, or of flow/deployment")
    .option(
      "--from <day>",
      "the first day (2026-03-01; default: 13 days before the last)",
      parseDay,
    )
    .option("--to <day>", "the last day (default: today)", parseDay)
    .action(action(countRunDays))
    .addHelpText(
      "after",
      `
Examples:
  downbeat runs days
  downbeat runs days --flow nightly-load/production --from 2026-03-01 --to 2026-03-31

Days are UTC, at most 366 at once. A run counts on the day it was made, once it has ended. A day of "none" had no such run.
RAN is for how long they ran together, each from its first start to its end.

With --json: { days }, as GET /v1/run-days returns it.`,
    );
}

async function countRunDays(context: CliContext, { flow, from, to }: Options): Promise<void> {
  const query: RunDayFilter = {
    ...(flow !== undefined && parseTarget(flow)),
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
  };
  const { client } = await context.connect();
  const { runDaysTable } = await import("../runs/run-days-table.ts");
  const answer = await client.call("listRunDays", { query });
  const { days } = answer;
  if (days.every((day) => endedRuns(day) === 0))
    context.output.note("No run that was made on these days has ended.");
  context.output.result(answer, (colors) => runDaysTable(colors, days));
}
