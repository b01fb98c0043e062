import { passedThroughHost, type Run, type RunDetail, type Why } from "@downbeat/contract";
import { describeWaiting, explainWaiting } from "@downbeat/core";
import { readRun, readRunPause, readWaitingFacts, type Tx } from "@downbeat/db";
import type { RequestContext } from "../../request-context.ts";
import type { Services } from "../../services.ts";
import { runNotFound } from "./run-not-found.ts";

/** A run as the database gives it, before it is said in words why it does not run. */
type StoredRun = Omit<RunDetail, "why" | "pause" | "hostTransit">;

/** Reads a run for its own page, saying in words why it is not running. */
export function readRunDetail(
  { database, now }: Services,
  ctx: RequestContext,
  runId: string,
): Promise<RunDetail> {
  return database.inWorkspace(ctx, async (tx) => {
    const run = await requireRun(tx, runId);
    const facts = await readWaitingFacts(tx, runId);
    const pause = run.state.type === "PAUSED" ? await readRunPause(tx, runId) : null;
    const why = facts === undefined ? null : describeWaiting(facts, now());
    return { ...run, hostTransit: passedThroughHost(run.parameters), pause, why };
  });
}

/** Why a run does not run: a code with facts for machines, words for people. */
export function readWhy(
  { database, now }: Services,
  ctx: RequestContext,
  runId: string,
): Promise<Why> {
  return database.inWorkspace(ctx, async (tx) => {
    const facts = await readWaitingFacts(tx, runId);
    if (facts === undefined) await requireRun(tx, runId);
    const why = facts === undefined ? null : explainWaiting(facts, now());
    return why === null ? NOT_WAITING : { waiting: true, ...why };
  });
}

const NOT_WAITING: Why = { waiting: false, code: null, words: null, details: {} };

/** @throws {DownbeatError} not_found, also for runs of other workspaces. */
export async function requireRun(tx: Tx, runId: string): Promise<StoredRun> {
  const run = await readRun(tx, runId);
  if (run === undefined) throw runNotFound(runId);
  return run;
}

/** As lists show it. */
export function withoutParameters(stored: StoredRun): Run {
  const { parameters: _parameters, result: _result, ...run } = stored;
  return run;
}
