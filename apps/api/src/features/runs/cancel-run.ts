import type { ROUTES, RouteReply } from "@downbeat/contract";
import type { RequestContext } from "../../request-context.ts";
import type { Services } from "../../services.ts";
import { announceCancelled, cancelRuns, isBeingCancelled } from "./cancel-runs.ts";
import { requireRun, withoutParameters } from "./read-run-detail.ts";

/**
 * Cancels a run and those it triggered. `accepted` says whether the run is or was being cancelled, so asking twice gives
 * one answer.
 *
 * @throws {DownbeatError} not_found
 */
export async function cancelRun(
  services: Services,
  ctx: RequestContext,
  runId: string,
): Promise<RouteReply<typeof ROUTES.cancelRun>> {
  const { answer, cancelled } = await services.database.inWorkspace(ctx, async (tx) => {
    const done = await cancelRuns(tx, [runId], { ctx, now: services.now() });
    const run = withoutParameters(await requireRun(tx, runId));
    return { answer: { run, accepted: isBeingCancelled(run.state.type) }, cancelled: done };
  });
  announceCancelled(services, cancelled);
  return answer;
}
