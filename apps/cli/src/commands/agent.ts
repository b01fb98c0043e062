import { Command } from "commander";
import { action, type CliContext } from "../context.ts";
import { limitOption } from "../options.ts";
import { table } from "../table.ts";
import { relativeWords } from "../time-words.ts";
import { agentAuditCommand } from "./agent-audit.ts";
import { agentStartCommand } from "./agent-start.ts";

type Options = { pool?: string; limit: number };

export function agentCommand(): Command {
  const ls = new Command("ls")
    .alias("list")
    .description("list agents")
    .option("--pool <name>", "only those of this work pool")
    .addOption(limitOption())
    .action(action(listAgents))
    .addHelpText("after", "\nWith --json: { items, nextCursor }, as GET /v1/agents returns it.");
  return new Command("agent")
    .description("start, audit and list agents")
    .addCommand(agentStartCommand())
    .addCommand(agentAuditCommand())
    .addCommand(ls);
}

async function listAgents(context: CliContext, { pool, limit }: Options): Promise<void> {
  const { client } = await context.connect();
  const page = await client.call("listAgents", {
    query: { limit, ...(pool !== undefined && { poolName: pool }) },
  });
  const { items } = page;
  if (items.length === 0) context.output.note("No agents yet; run `downbeat agent start`.");
  const now = context.now();
  context.output.result(page, (colors) => {
    const rows = items.map((agent) => [
      agent.name,
      agent.online ? colors.green("● online") : colors.gray("○ offline"),
      agent.poolName,
      `${agent.activeRuns}/${agent.capacity}`,
      agent.lastSeenAt === null ? "never" : relativeWords(agent.lastSeenAt, now),
    ]);
    return rows.length === 0 ? "" : table(["AGENT", "STATUS", "POOL", "RUNS", "LAST SEEN"], rows);
  });
}
