import {
  DownbeatError,
  type ChildrenRequest,
  type ROUTES,
  type RouteReply,
} from "@downbeat/contract";
import { readRuns, shareHeldRun } from "@downbeat/db";
import type { RequestContext } from "../../request-context.ts";
import type { Services } from "../../services.ts";
import { readOutcomes, toRow } from "./create-runs.ts";
import { announceMade, makeRuns } from "./making.ts";

/**
 * Triggers runs for a run that the caller holds; they become its children. The held run stays locked meanwhile, so one
 * that is being cancelled has no children that its cancellation does not reach.
 *
 * @throws {DownbeatError} fenced, transition_rejected when the run is being cancelled
 */
export async function triggerChildren(
  services: Services,
  ctx: RequestContext,
  { runs, ...fence }: ChildrenRequest,
): Promise<RouteReply<typeof ROUTES.triggerChildren>> {
  const { kind, id } = ctx.principal;
  const rows = runs.map((spec) => toRow({ ...spec, parentRunId: fence.runId }, { kind, id }));
  const making = await services.database.inWorkspace(ctx, async (tx) => {
    const { stateType } = await shareHeldRun(tx, fence);
    if (stateType === "CANCELLING") throw beingCancelled(fence.runId);
    return makeRuns(tx, rows);
  });
  announceMade(services, making);
  return { outcomes: await readOutcomes(services.database, ctx, making.made) };
}

/** @throws {DownbeatError} fenced */
export function readChildren(
  { database }: Services,
  ctx: RequestContext,
  { runIds, ...fence }: { runId: string; epoch: number; leaseToken: string; runIds: string[] },
): Promise<RouteReply<typeof ROUTES.readChildren>> {
  return database.inWorkspace(ctx, async (tx) => {
    await shareHeldRun(tx, fence);
    const found = await readRuns(tx, runIds);
    return { items: [...found.values()].filter((run) => run.parentRunId === fence.runId) };
  });
}

function beingCancelled(runId: string): DownbeatError {
  const message = `The run ${runId} is being cancelled and triggers nothing more.`;
  return new DownbeatError("transition_rejected", { message });
}
