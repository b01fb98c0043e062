import { Command } from "commander";
import type { Deployment } from "@downbeat/contract";
import { action, type CliContext } from "../context.ts";
import { limitOption } from "../options.ts";
import { table } from "../table.ts";
import { relativeWords } from "../time-words.ts";
import { deploymentLimitCommand } from "./deployment-limit.ts";

type Options = { limit: number; flow?: string };

export function deploymentCommand(): Command {
  const ls = new Command("ls")
    .alias("list")
    .description("list deployments")
    .option("-f, --flow <name>", "only those of this flow")
    .addOption(limitOption())
    .action(action(listDeployments))
    .addHelpText(
      "after",
      `
"host-transit" marks those that take parameters in clear: the hosted plane sees what callers send them unsealed.

With --json: { items, nextCursor }, as GET /v1/deployments returns it.`,
    );
  return new Command("deployment")
    .description("list and limit deployments")
    .addCommand(ls)
    .addCommand(deploymentLimitCommand());
}

async function listDeployments(context: CliContext, { limit, flow }: Options): Promise<void> {
  const { client } = await context.connect();
  const page = await client.call("listDeployments", {
    query: { limit, ...(flow !== undefined && { flowName: flow }) },
  });
  const { items } = page;
  if (items.length === 0) context.output.note("No deployments yet; run `downbeat deploy`.");
  const rows = items.map((deployment) => [
    `${deployment.flowName}/${deployment.name}`,
    `${deployment.poolName}/${deployment.queueName}`,
    statusWords(deployment),
    Object.keys((deployment.parameterSchema?.["properties"] as object | undefined) ?? {}).join(
      ", ",
    ),
    relativeWords(deployment.updatedAt, context.now()),
  ]);
  const header = ["DEPLOYMENT", "POOL/QUEUE", "STATUS", "PARAMETERS", "UPDATED"];
  context.output.result(page, () => (rows.length === 0 ? "" : table(header, rows)));
}

function statusWords({ paused, hostTransit }: Deployment): string {
  const status = paused ? "paused" : "active";
  return hostTransit ? `${status}, host-transit` : status;
}
