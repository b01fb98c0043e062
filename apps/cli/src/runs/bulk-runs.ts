import type { Command } from "commander";
import {
  BULK_COUNT_LIMIT,
  describeMatched,
  type BulkAnswer,
  type BulkRequest,
  type StateType,
} from "@downbeat/contract";
import { confirm } from "../confirm.ts";
import type { CliContext } from "../context.ts";
import { parseDurationMs } from "../duration.ts";
import { parseStates } from "./parse-states.ts";

export type BulkOptions = {
  readonly state?: readonly StateType[];
  readonly flow?: string;
  readonly deployment?: string;
  readonly pool?: string;
  readonly olderThan?: string;
  readonly newerThan?: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
};

/** Gives a command the options that choose many runs at once. */
export function withBulkOptions(command: Command): Command {
  return command
    .option("-s, --state <types>", "runs in these state types (failed,crashed)", parseStates)
    .option("-f, --flow <name>", "runs of this flow")
    .option("--deployment <name>", "runs of deployments of this name")
    .option("--pool <name>", "runs in this work pool")
    .option("--older-than <duration>", "runs made longer ago than this (90m, 48h)")
    .option("--newer-than <duration>", "runs made within this time")
    .option("--dry-run", "only count the runs")
    .option("-y, --yes", "do not ask");
}

/** Whether the options choose runs by filter. */
export function isBulk(options: BulkOptions): boolean {
  return Object.keys(filterOf(options, new Date(0))).length > 0;
}

/**
 * Counts the runs that the options choose, asks, and acts on them batch after batch.
 *
 * @throws {DownbeatError} `usage_invalid` when it would have to ask and nobody can answer; `conflict` when another number
 * of runs matches by the time it begins.
 */
export async function bulkRuns(
  context: CliContext,
  what: Pick<BulkRequest, "action"> & Partial<Pick<BulkRequest, "mode">>,
  options: BulkOptions,
): Promise<void> {
  const { client } = await context.connect();
  const { action } = what;
  const body = { ...what, filter: filterOf(options, context.now()) };
  const { matched } = await client.call("bulkRuns", { body: { ...body, dryRun: true } });
  if (options.dryRun === true || matched === 0) {
    const words = `${describeMatched(matched)} ${matched === 1 ? "run matches" : "runs match"}.`;
    return context.output.result({ matched, done: 0 }, () => words);
  }
  if (options.yes !== true) await confirm(context, `${action} ${describeMatched(matched)} runs`);
  let done = 0;
  let cursor: string | null = null;
  do {
    // Only the first call can know how many should match.
    const place: Pick<BulkRequest, "expectedCount" | "cursor"> =
      cursor === null ? { expectedCount: matched } : { cursor };
    const answer: BulkAnswer = await client.call("bulkRuns", { body: { ...body, ...place } });
    done += answer.done;
    cursor = answer.nextCursor;
  } while (cursor !== null);
  const of = matched < BULK_COUNT_LIMIT ? ` of ${matched}` : "";
  context.output.result({ matched, done }, () => `${done}${of} runs: ${DONE[action]}.`);
}

const DONE: Record<BulkRequest["action"], string> = {
  cancel: "cancelled, or asked to stop",
  retry: "queued again",
  delete: "deleted",
};

function filterOf(options: BulkOptions, now: Date): BulkRequest["filter"] {
  const { state, flow, deployment, pool, olderThan, newerThan } = options;
  return {
    ...(state !== undefined && { stateType: [...state] }),
    ...(flow !== undefined && { flowName: flow }),
    ...(deployment !== undefined && { deploymentName: deployment }),
    ...(pool !== undefined && { poolName: pool }),
    ...(olderThan !== undefined && { createdBefore: before(now, olderThan) }),
    ...(newerThan !== undefined && { createdAfter: before(now, newerThan) }),
  };
}

function before(now: Date, duration: string): string {
  return new Date(now.getTime() - parseDurationMs(duration)).toISOString();
}
