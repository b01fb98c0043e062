import { DownbeatError } from "@downbeat/contract";
import { deleteRuns } from "@downbeat/db";
import type { RequestContext } from "../../request-context.ts";
import type { Services } from "../../services.ts";
import { requireRun } from "./read-run-detail.ts";

/**
 * Deletes an ended run and all that belongs to it.
 *
 * @throws {DownbeatError} not_found; transition_rejected while it is live.
 */
export async function deleteRun(
  { database }: Services,
  ctx: RequestContext,
  runId: string,
): Promise<{ deleted: boolean }> {
  return database.inWorkspace(ctx, async (tx) => {
    const { state } = await requireRun(tx, runId);
    const deleted = await deleteRuns(tx, [runId]);
    if (deleted.length > 0) return { deleted: true };
    throw new DownbeatError("transition_rejected", {
      message: `The run ${runId} is ${state.name}; only an ended run can be deleted. Cancel it first.`,
    });
  });
}
