import {
  defaultStateName,
  DownbeatError,
  type Run,
  type RunStateOverride,
} from "@downbeat/contract";
import { applyTransitions, lockRuns } from "@downbeat/db";
import type { RequestContext } from "../../request-context.ts";
import type { Services } from "../../services.ts";
import { propose } from "./propose.ts";
import { requireRun, withoutParameters } from "./read-run-detail.ts";
import { runNotFound } from "./run-not-found.ts";

/**
 * Declares a live run ended, in an operator's name. Its lease is void from then on: the agent hears of it with its next
 * beat, which it sends at once, and kills the process.
 *
 * @throws {DownbeatError} not_found; transition_rejected when it has ended already.
 */
export async function setRunState(
  services: Services,
  ctx: RequestContext,
  { runId, type, reason }: RunStateOverride & { readonly runId: string },
): Promise<Run> {
  const { database, claims, logWaits, now } = services;
  const { run, sessionId } = await database.inWorkspace(ctx, async (tx) => {
    const standing = (await lockRuns(tx, [runId])).get(runId);
    if (standing === undefined) throw runNotFound(runId);
    const wish = { proposer: "operator", type, name: defaultStateName(type), reason } as const;
    const transition = propose(standing, wish, { ctx, now: now() });
    if (transition === undefined) {
      throw new DownbeatError("transition_rejected", {
        message: `The run ${runId} has ended ${standing.state.name}; an ended run keeps its state unless it is run again.`,
      });
    }
    await applyTransitions(tx, [transition]);
    return {
      run: withoutParameters(await requireRun(tx, runId)),
      sessionId: standing.sessionId,
    };
  });
  if (sessionId !== null) claims.endHold(sessionId);
  logWaits.wake(runId, undefined);
  return run;
}
