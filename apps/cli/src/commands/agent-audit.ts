import { join } from "node:path";
import { Command } from "commander";
import type { EgressEntry } from "@downbeat/contract";
import { action, type CliContext } from "../context.ts";
import { parseInstant } from "../parse-instant.ts";
import { table } from "../table.ts";

type Options = { name?: string; since?: string };

export function agentAuditCommand(): Command {
  return new Command("audit")
    .description("show everything an agent on this machine has sent, field by field")
    .option("--name <name>", "the agent (default: the only one in DOWNBEAT_HOME)")
    .option("--since <time>", "only what was sent since then (2026-03-01T07:00:00Z)")
    .action(action(auditAgent))
    .addHelpText(
      "after",
      `
Reads the egress ledger in DOWNBEAT_HOME, which the agent writes before it sends anything; no API is asked. Each line of
it carries the hash of the one before: a line that was changed or taken out is named, and the exit code is then 1.

With --json: one line a request: { at, route, method, path, bytes, sha256, fields, previous }, with fields
{ path, boundary, count, bytes, sha256? }. The body's hash is that of the bytes on the wire; a sealed field's is over its
values in order, each followed by a line feed.`,
    );
}

async function auditAgent(context: CliContext, { name, since }: Options): Promise<void> {
  const { readLedger } = await import("../audit/read-ledger.ts");
  const { output, config } = context;
  const from = since === undefined ? "" : parseInstant("--since", since);
  const { entries, breaks } = await readLedger(join(config.home, "agents"), name);
  const asked = entries.filter(({ at }) => at >= from);
  if (output.json) for (const entry of asked) output.event(entry, "");
  else await showTotals(context, asked);
  for (const place of breaks) output.warn(output.noteColors.red(`ledger broken: ${place}`));
  if (breaks.length > 0) process.exitCode = 1;
  const total = asked.reduce((sum, { bytes }) => sum + bytes, 0);
  output.note(
    `${asked.length} requests, ${total} bytes of bodies; the chain is ${breaks.length === 0 ? "intact" : "broken"}.`,
  );
}

async function showTotals({ output }: CliContext, entries: readonly EgressEntry[]): Promise<void> {
  const { sumUpLedger } = await import("../audit/sum-up-ledger.ts");
  const rows = sumUpLedger(entries).map((total) => [
    total.route,
    total.path,
    total.boundary,
    String(total.count),
    String(total.bytes),
    total.lastSentAt,
  ]);
  output.line(table(["ROUTE", "FIELD", "WHO SEES IT", "VALUES", "BYTES", "LAST SENT"], rows));
}
