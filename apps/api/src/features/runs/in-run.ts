import { runStands, type Tx } from "@downbeat/db";
import type { RequestContext } from "../../request-context.ts";
import type { Services } from "../../services.ts";
import { runNotFound } from "./run-not-found.ts";

/**
 * Reads what belongs to a run, where nothing found would not tell whether the run is there.
 *
 * @throws {DownbeatError} not_found
 */
export function inRun<T>(
  { database }: Services,
  { ctx, runId }: { readonly ctx: RequestContext; readonly runId: string },
  read: (tx: Tx) => Promise<T>,
): Promise<T> {
  return database.inWorkspace(ctx, async (tx) => {
    if ((await runStands(tx, runId)) === undefined) throw runNotFound(runId);
    return read(tx);
  });
}
