import { Command } from "commander";
import { action, type CliContext } from "../context.ts";
import { limitOption } from "../options.ts";
import { table } from "../table.ts";
import { relativeWords } from "../time-words.ts";

export function flowCommand(): Command {
  const ls = new Command("ls")
    .alias("list")
    .description("list flows")
    .addOption(limitOption())
    .action(action(listFlows))
    .addHelpText("after", "\nWith --json: { items, nextCursor }, as GET /v1/flows returns it.");
  return new Command("flow").description("list registered flows").addCommand(ls);
}

async function listFlows(context: CliContext, { limit }: { limit: number }): Promise<void> {
  const { client } = await context.connect();
  const page = await client.call("listFlows", { query: { limit } });
  const { items } = page;
  if (items.length === 0) context.output.note("No flows yet; run `downbeat deploy`.");
  const rows = items.map((flow) => [flow.name, relativeWords(flow.createdAt, context.now())]);
  context.output.result(page, () => (rows.length === 0 ? "" : table(["FLOW", "REGISTERED"], rows)));
}
