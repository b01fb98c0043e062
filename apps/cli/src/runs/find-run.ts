import type { Client } from "@downbeat/client";
import { DownbeatError } from "@downbeat/contract";

const FULL_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const PREFIX = /^[0-9a-f]{6,}$/;
// Ids are made by the API and creation is stamped by the database: their clocks may differ a little.
const CLOCK_SLACK_MS = 60_000;
const MOST_PAGES = 20;

/**
 * The full id of the run someone means: the whole id, a unique beginning of it, or `@last`.
 *
 * @throws {DownbeatError} `usage_invalid` when it is no id or several runs begin so, `not_found`
 */
export async function findRunId(client: Client, given: string): Promise<string> {
  if (FULL_ID.test(given)) return given.toLowerCase();
  if (given === "@last") return newestRunId(client);
  const prefix = given.toLowerCase().replaceAll("-", "");
  if (!PREFIX.test(prefix)) {
    throw new DownbeatError("usage_invalid", {
      message: `"${given}" is not a run id; give the id, six or more of its first characters, or @last.`,
    });
  }
  return onlyMatch(given, await runIdsBeginningWith(client, prefix));
}

async function newestRunId(client: Client): Promise<string> {
  const { items } = await client.call("listRuns", { query: { limit: 1 } });
  if (items[0] !== undefined) return items[0].id;
  throw new DownbeatError("not_found", {
    message: "There is no last run: this workspace has none yet.",
  });
}

async function runIdsBeginningWith(client: Client, prefix: string): Promise<string[]> {
  const window = creationWindow(prefix);
  const found: string[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const answer = await client.call("listRuns", {
      query: { limit: 200, ...window, ...(cursor !== undefined && { cursor }) },
    });
    found.push(
      ...answer.items
        .map((run) => run.id)
        .filter((id) => id.replaceAll("-", "").startsWith(prefix)),
    );
    if (answer.nextCursor === null) break;
    cursor = answer.nextCursor;
  }
  return found;
}

/** Run ids are UUIDv7: their first 48 bits are the time they were made, so a prefix bounds the search. */
export function creationWindow(prefix: string): { createdAfter: string; createdBefore: string } {
  const stamp = prefix.slice(0, 12);
  const earliestMs = Number.parseInt(stamp.padEnd(12, "0"), 16) - CLOCK_SLACK_MS;
  const latestMs = Number.parseInt(stamp.padEnd(12, "f"), 16) + CLOCK_SLACK_MS;
  return { createdAfter: instant(earliestMs), createdBefore: instant(latestMs) };
}

// A prefix of some other kind of id may name a time that dates cannot hold.
const LATEST_INSTANT_MS = Date.UTC(9999, 0);

function instant(milliseconds: number): string {
  return new Date(Math.min(Math.max(milliseconds, 0), LATEST_INSTANT_MS)).toISOString();
}

function onlyMatch(given: string, ids: readonly string[]): string {
  const [first, ...others] = ids;
  if (first === undefined)
    throw new DownbeatError("not_found", { message: `No run's id begins with "${given}".` });
  if (others.length === 0) return first;
  throw new DownbeatError("usage_invalid", {
    message: `${ids.length} runs begin with "${given}", such as ${ids.slice(0, 3).join(", ")}; give more characters.`,
  });
}
