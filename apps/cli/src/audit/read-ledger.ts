import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { DownbeatError, EgressEntry } from "@downbeat/contract";

/** An agent's ledger as found on this machine. */
export type Ledger = {
  readonly entries: readonly EgressEntry[];
  /** Places where the chain is broken: a line was changed, taken out, or cut short. Empty when all is well. */
  readonly breaks: readonly string[];
};

const SEGMENT_NAME = /^egress-\d{8}\.jsonl$/;

/**
 * Reads the egress ledger of an agent and checks its chain.
 *
 * @param agentsDirectory `agents` in the agent's DOWNBEAT_HOME
 * @param name undefined: the only agent there
 * @throws {DownbeatError} `not_found`, `usage_invalid` when there are several agents and no name
 */
export async function readLedger(
  agentsDirectory: string,
  name: string | undefined,
): Promise<Ledger> {
  const directory = join(agentsDirectory, name ?? (await onlyAgentIn(agentsDirectory)), "egress");
  const files = (await namesIn(directory)).filter((file) => SEGMENT_NAME.test(file)).toSorted();
  if (files.length === 0)
    throw new DownbeatError("not_found", { message: `There is no egress ledger in ${directory}.` });
  const entries: EgressEntry[] = [];
  const breaks: string[] = [];
  // The oldest files are dropped, so the first line that is left may follow one that is gone.
  let previous: string | null | undefined;
  for (const file of files) {
    const lines = (await readFile(join(directory, file), "utf8")).split("\n");
    for (const [at, line] of lines.entries()) {
      if (line === "") continue;
      const entry = parseEntry(line);
      if (entry === undefined) breaks.push(`${file}:${at + 1} is not an entry`);
      else {
        if (previous !== undefined && entry.previous !== previous)
          breaks.push(`${file}:${at + 1} does not follow the line before it`);
        entries.push(entry);
      }
      previous = createHash("sha256").update(line).digest("hex");
    }
  }
  return { entries, breaks };
}

async function onlyAgentIn(agentsDirectory: string): Promise<string> {
  const names = await namesIn(agentsDirectory);
  const [only] = names;
  if (only === undefined)
    throw new DownbeatError("not_found", {
      message: `No agent has run here: there is nothing in ${agentsDirectory}.`,
    });
  if (names.length === 1) return only;
  throw new DownbeatError("usage_invalid", {
    message: `Several agents have run here (${names.join(", ")}); choose one with --name.`,
  });
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw new DownbeatError("configuration_invalid", {
      message: `${directory} cannot be read.`,
      cause,
    });
  }
}

function parseEntry(line: string): EgressEntry | undefined {
  try {
    return EgressEntry.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined; // named as a break by the caller
  }
}
