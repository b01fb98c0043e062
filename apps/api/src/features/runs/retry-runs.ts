import { DownbeatError, type RetryMode, type Run } from "@downbeat/contract";
import { lockRuns, retryRuns as reviveRuns, type LockedRun, type Tx } from "@downbeat/db";
import type { RequestContext } from "../../request-context.ts";
import type { Services } from "../../services.ts";
import { propose, type Wish } from "./propose.ts";
import { requireRun, withoutParameters } from "./read-run-detail.ts";
import { runNotFound } from "./run-not-found.ts";

const AGAIN = { proposer: "operator", type: "SCHEDULED", name: "Scheduled" } as const;

const WISHES: Record<RetryMode, Wish> = {
  from_start: { ...AGAIN, reason: "retry_requested" },
  from_failed: { ...AGAIN, reason: "retry_from_failed_requested" },
};

/** Puts ended runs back into the queue; returns those that went, with their pools. Others stay as they are. */
export async function retryRuns(
  tx: Tx,
  runs: Iterable<LockedRun>,
  { mode, ...by }: { readonly ctx: RequestContext; readonly now: Date; readonly mode: RetryMode },
): Promise<{ runId: string; poolId: string }[]> {
  const revivals = [...runs].flatMap((run) => {
    const accepted = run.live ? undefined : propose(run, WISHES[mode], by);
    if (accepted === undefined) return [];
    const { transitionId, reason, actor } = accepted;
    const { name } = accepted.state;
    return {
      runId: run.runId,
      standingSequence: run.sequence,
      transitionId,
      name,
      reason,
      actor,
      mode,
    };
  });
  return reviveRuns(tx, revivals);
}

/**
 * Runs an ended run again, whatever its retry policy says.
 *
 * @throws {DownbeatError} not_found; transition_rejected while it is live, or when no deployment can run it.
 */
export async function retryRun(
  services: Services,
  ctx: RequestContext,
  { runId, mode }: { readonly runId: string; readonly mode: RetryMode },
): Promise<Run> {
  const { run, poolId } = await services.database.inWorkspace(ctx, async (tx) => {
    const standing = (await lockRuns(tx, [runId])).get(runId);
    if (standing === undefined) throw runNotFound(runId);
    const [revived] = await retryRuns(tx, [standing], { ctx, now: services.now(), mode });
    if (revived === undefined) throw refusal(standing);
    return { run: withoutParameters(await requireRun(tx, runId)), poolId: revived.poolId };
  });
  services.claims.announce(poolId, 1);
  return run;
}

function refusal({ runId, state, live }: LockedRun): DownbeatError {
  const message = live
    ? `The run ${runId} is ${state.name}; only an ended run can be run again.`
    : `The run ${runId} belongs to no deployment that could run it again, or has just changed.`;
  return new DownbeatError("transition_rejected", { message });
}
