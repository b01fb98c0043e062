import type { ROUTES, RouteReply, StateName, StateReasonCode, StateType } from "@downbeat/contract";
import { decideTransitions } from "@downbeat/core";
import { applyTransitions, lockRuns, type LockedRun } from "@downbeat/db";
import { uuidv7 } from "uuidv7";
import type { RequestContext } from "../../request-context.ts";
import type { Services } from "../../services.ts";
import { runNotFound } from "./run-not-found.ts";
import { requireRun, withoutParameters } from "./read-run-detail.ts";

type Cancel = RouteReply<typeof ROUTES.cancelRun>;
type Step = {
  readonly type: StateType;
  readonly name: StateName;
  readonly reason: StateReasonCode;
};

const AT_ONCE: Step = { type: "CANCELLED", name: "Cancelled", reason: "cancelled_before_start" };
const THROUGH_AGENT: Step = { type: "CANCELLING", name: "Cancelling", reason: "cancel_requested" };

/**
 * Cancels a run: at once when nobody has taken it; otherwise its agent is told, and the sweep closes it if the agent does
 * not confirm in time. `accepted` says whether the run is or was being cancelled, so asking twice gives one answer.
 */
export async function cancelRun(
  services: Services,
  ctx: RequestContext,
  runId: string,
): Promise<Cancel> {
  const { database, claims, logWaits, now } = services;
  const { answer, sessionId } = await database.inWorkspace(ctx, async (tx) => {
    const standing = (await lockRuns(tx, [runId])).get(runId);
    if (standing === undefined) throw runNotFound(runId);
    const transitions = decide(standing, ctx, now());
    await applyTransitions(tx, transitions);
    const run = withoutParameters(await requireRun(tx, runId));
    const accepted = run.state.type === "CANCELLING" || run.state.type === "CANCELLED";
    return {
      answer: { run, accepted },
      sessionId: transitions.length > 0 ? standing.sessionId : null,
    };
  });
  if (sessionId !== null) claims.endHold(sessionId);
  if (answer.run.endedAt !== null) claims.announceFreedSlots();
  if (answer.run.endedAt !== null) logWaits.wake(runId, undefined);
  return answer;
}

function decide(run: LockedRun, { principal, workspaceId }: RequestContext, now: Date) {
  const step = run.state.type === "SCHEDULED" ? AT_ONCE : THROUGH_AGENT;
  const proposal = { ...step, proposer: "person", transitionId: uuidv7(), error: null } as const;
  const actor = { kind: principal.kind, id: principal.id };
  return decideTransitions(run, [proposal], now).accepted.map((transition) => ({
    ...transition,
    runId: run.runId,
    workspaceId,
    epoch: run.epoch,
    actor,
  }));
}
