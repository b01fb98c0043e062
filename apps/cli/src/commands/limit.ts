import type { Limit } from "@downbeat/contract";
import { Command, InvalidArgumentError } from "commander";
import { action, type CliContext } from "../context.ts";
import { parseCount } from "../counts.ts";
import { limitOption } from "../options.ts";
import { table } from "../table.ts";

export function limitCommand(): Command {
  return new Command("limit")
    .description("list, set and remove named limits, which deployments and tasks share")
    .addCommand(lsCommand())
    .addCommand(setCommand())
    .addCommand(rmCommand());
}

function lsCommand(): Command {
  return new Command("ls")
    .alias("list")
    .description("list named limits with how many of their slots are taken")
    .addOption(limitOption())
    .action(action(listLimits))
    .addHelpText("after", "\nWith --json: { items, nextCursor }, as GET /v1/limits returns it.");
}

function setCommand(): Command {
  return new Command("set")
    .argument("<name>", "name of the limit")
    .description("make or change a named limit; slots taken already stay taken")
    .requiredOption("--slots <count>", "how many may hold it at a time; 0 stops all", parseCount)
    .option("--rate <number>", "how many a second may take a slot, on average", parseRate)
    .option(
      "--burst <count>",
      "how many at once after a rest (default: the rate, at least 1)",
      parseBurst,
    )
    .option("--tag <tag>", "tasks that carry this tag take a slot too (default: none)")
    .action(action(setLimit))
    .addHelpText("after", "\nWith --json: the limit, as PUT /v1/limits/:limitName returns it.");
}

function rmCommand(): Command {
  return new Command("rm")
    .argument("<name>", "name of the limit")
    .description("remove a named limit that no deployment lists")
    .action(action(removeLimit))
    .addHelpText("after", "\nWith --json: the limit as it was.");
}

async function listLimits(context: CliContext, { limit }: { limit: number }): Promise<void> {
  const { client } = await context.connect();
  const page = await client.call("listLimits", { query: { limit } });
  const rows = page.items.map((one) => [
    one.name,
    `${one.taken} of ${one.slots}`,
    rateWords(one.rate),
    one.tag ?? "",
  ]);
  if (rows.length === 0) context.output.note("No limits yet; make one with `downbeat limit set`.");
  context.output.result(page, () =>
    rows.length === 0 ? "" : table(["LIMIT", "TAKEN", "RATE", "TAG"], rows),
  );
}

type SetOptions = { slots: number; rate?: number; burst?: number; tag?: string };

async function setLimit(
  context: CliContext,
  { slots, rate, burst, tag }: SetOptions,
  limitName: string,
): Promise<void> {
  const { client } = await context.connect();
  const perSecond = rate ?? burst;
  const body = {
    slots,
    rate:
      perSecond === undefined
        ? null
        : { perSecond, burst: burst ?? Math.max(1, Math.floor(perSecond)) },
    tag: tag ?? null,
  };
  const limit = await client.call("setLimit", { params: { limitName }, body });
  context.output.result(
    limit,
    () => `Limit ${limit.name}: ${limit.slots} slots, rate ${rateWords(limit.rate)}.`,
  );
}

async function removeLimit(
  context: CliContext,
  _options: object,
  limitName: string,
): Promise<void> {
  const { client } = await context.connect();
  const limit = await client.call("removeLimit", { params: { limitName } });
  context.output.result(limit, () => `Limit ${limit.name} is gone.`);
}

function rateWords(rate: Limit["rate"]): string {
  return rate === null ? "none" : `${rate.perSecond}/s, ${rate.burst} at once`;
}

function parseRate(text: string): number {
  const rate = Number(text);
  if (Number.isFinite(rate) && rate > 0) return rate;
  throw new InvalidArgumentError("Give a number above 0.");
}

function parseBurst(text: string): number {
  const burst = parseCount(text);
  if (burst >= 1) return burst;
  throw new InvalidArgumentError("Give a whole number, 1 or more.");
}
