import type { ReleaseRequest, ROUTES, RouteReply } from "@downbeat/contract";
import { endSessions, releaseRuns, revokeAgent } from "@downbeat/db";
import { announceMoved } from "../../engine/announce-moved.ts";
import type { RequestContext } from "../../request-context.ts";
import type { Services } from "../../services.ts";

/**
 * Gives unstarted leases back; on drain it also ends the session, which settles whatever else it held. Who leaves is
 * the caller: no agent can have another one revoked. One that left is refused from then on.
 */
export async function release(
  services: Services,
  ctx: RequestContext,
  { sessionId, runs, endSession, leave }: ReleaseRequest,
): Promise<RouteReply<typeof ROUTES.release>> {
  const { kind, id: principalId } = ctx.principal;
  const actor = { kind, id: principalId };
  const leaves = leave && kind === "agent";
  const { released, settled } = await services.database.inWorkspace(ctx, async (tx) => {
    const given = await releaseRuns(tx, { sessionId, runs, actor });
    const ended = endSession
      ? await endSessions(tx, { sessionIds: [sessionId], principalId, actor })
      : [];
    if (leaves) await revokeAgent(tx, principalId);
    return { released: given, settled: ended };
  });
  if (leaves) services.authenticator.forget(principalId);
  announceMoved(services, [...released, ...settled]);
  if (endSession) services.claims.endHold(sessionId);
  return { released: released.length };
}
