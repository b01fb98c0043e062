import { Command } from "commander";
import type { WorkPool } from "@downbeat/contract";
import { action, type CliContext } from "../context.ts";
import { parseCount, parseCountOrNone } from "../counts.ts";
import { limitOption } from "../options.ts";
import { table } from "../table.ts";

export function poolCommand(): Command {
  return new Command("pool")
    .description("list and create work pools")
    .addCommand(lsCommand())
    .addCommand(createCommand())
    .addCommand(queueCommand());
}

function queueCommand(): Command {
  return new Command("queue")
    .argument("<pool>", "name of the pool")
    .argument("<name>", "name of the queue")
    .description("make or change a work queue of a pool")
    .option("--priority <number>", "1 is served first, 1000 last", parseCount, 100)
    .option("--limit <count>", "most runs of this queue at a time, or none", parseCountOrNone)
    .action(action(setQueue))
    .addHelpText(
      "after",
      "\nWith --json: the pool, as POST /v1/pools/:poolName/queues returns it.",
    );
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
    pool.queues.map(queueWords).join(", "),
  ]);
  context.output.result(page, () =>
    table(["POOL", "STATUS", "AGENTS ONLINE", "LIMIT", "QUEUES"], rows),
  );
}

function queueWords({ name, concurrencyLimit }: WorkPool["queues"][number]): string {
  return concurrencyLimit === null ? name : `${name} (at most ${concurrencyLimit})`;
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

async function setQueue(
  context: CliContext,
  { priority, limit }: { priority: number; limit?: number | "none" },
  poolName: string,
  name: string,
): Promise<void> {
  const { client } = await context.connect();
  const pool = await client.call("createQueue", {
    params: { poolName },
    body: {
      name,
      priority,
      ...(limit !== undefined && { concurrencyLimit: limit === "none" ? null : limit }),
    },
  });
  context.output.result(pool, () => `Queue ${name} of pool ${pool.name} is set.`);
}
