import type { ROUTES, RouteReply, RouteRequest } from "@downbeat/contract";
import { listLogChunks } from "@downbeat/db";
import type { RequestContext } from "../../request-context.ts";
import type { Services } from "../../services.ts";
import { runNotFound } from "./run-not-found.ts";

type ListLogs = typeof ROUTES.listLogChunks;
type Asked = RouteRequest<ListLogs>["params"] & RouteRequest<ListLogs>["query"];
type Logs = RouteReply<ListLogs>;

// A chunk that another process took in wakes nobody here, so a waiting reader looks again this often.
const LOOK_AGAIN_MS = 1000;

/** Reads a run's log chunks after a cursor; waits for the next one while the run is live and nothing is new. */
export async function readLogs(
  services: Services,
  ctx: RequestContext,
  asked: Asked,
): Promise<Logs> {
  const { waitSeconds, ...query } = asked;
  const deadlineMs = performance.now() + waitSeconds * 1000;
  for (;;) {
    const nowMs = performance.now();
    const untilMs = Math.min(nowMs + LOOK_AGAIN_MS, deadlineMs);
    // The wait begins before the look, or a chunk that comes in between would wake nobody.
    const wait = services.logWaits.begin(asked.runId, { untilMs, ending: ctx.hungUp });
    try {
      const logs = await services.database.inWorkspace(ctx, (tx) => listLogChunks(tx, query));
      if (logs === undefined) throw runNotFound(asked.runId);
      if (logs.items.length > 0 || logs.complete || untilMs <= nowMs) return logs;
      if ((await wait.ended).kind === "aborted") return logs;
    } finally {
      wait.cancel();
    }
  }
}
