import { Command, InvalidArgumentError } from "commander";
import { action, type CliContext } from "../context.ts";
import { limitOption } from "../options.ts";
import { table } from "../table.ts";

export function poolCommand(): Command {
  return new Command("pool")
    .description("list and create work pools")
    .addCommand(lsCommand())
    .addCommand(createCommand());
}

function lsCommand(): Command {
  return new Command("ls")
    .alias("list")
    .description("list work pools with their queues and agents")
    .addOption(limitOption())
    .action(action(listPools))
    .addHelpText("after", "\nWith --json: { items, nextCursor }, as GET /v1/pools returns it.");
}

function createCommand(): Command {
  return new Command("create")
    .argument("<name>", "name of the pool")
    .description("create a work pool with its queue `default`; creating it again changes nothing")
    .option("--limit <count>", "most runs at a time in the whole pool", parseCount)
    .action(action(createPool))
    .addHelpText("after", "\nWith --json: the pool, as POST /v1/pools returns it.");
}

async function listPools(context: CliContext, { limit }: { limit: number }): Promise<void> {
  const { client } = await context.connect();
  const page = await client.call("listPools", { query: { limit } });
  const { items } = page;
  const rows = items.map((pool) => [
    pool.name,
    pool.paused ? "paused" : "active",
    `${pool.onlineAgents}`,
    pool.concurrencyLimit === null ? "none" : `${pool.concurrencyLimit}`,
    pool.queues.map((queue) => queue.name).join(", "),
  ]);
  context.output.result(page, () =>
    table(["POOL", "STATUS", "AGENTS ONLINE", "LIMIT", "QUEUES"], rows),
  );
}

async function createPool(
  context: CliContext,
  { limit }: { limit?: number },
  name: string,
): Promise<void> {
  const { client } = await context.connect();
  const pool = await client.call("createPool", { body: { name, concurrencyLimit: limit ?? null } });
  context.output.result(
    pool,
    () =>
      `Pool ${pool.name} is there; start an agent with \`downbeat agent start --pool ${pool.name}\`.`,
  );
}

function parseCount(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 0) return count;
  throw new InvalidArgumentError("Give a whole number, 0 or more.");
}
