import { DownbeatError, type SessionAnswer, type SessionRequest } from "@downbeat/contract";
import { endSessions, openSession, storeDataKeys } from "@downbeat/db";
import { announceMoved } from "../../engine/announce-moved.ts";
import type { RequestContext } from "../../request-context.ts";
import type { Services } from "../../services.ts";

/** Opens a session of an agent in its pool, and settles what its earlier sessions, known to be over, still hold. */
export async function openAgentSession(
  services: Services,
  ctx: RequestContext,
  request: SessionRequest,
): Promise<SessionAnswer> {
  const { id: agentId, poolId } = ctx.principal;
  if (poolId === undefined)
    throw new DownbeatError("role_insufficient", { message: "Only an agent opens a session." });
  const { dataKeys, endedSessionIds, ...session } = request;
  const { leaseSeconds } = services.config;
  const { opened, settled } = await services.database.inWorkspace(ctx, async (tx) => {
    if (dataKeys.length > 0) await storeDataKeys(tx, dataKeys);
    const actor = { kind: "agent", id: agentId } as const;
    return {
      settled: await endSessions(tx, { sessionIds: endedSessionIds, principalId: agentId, actor }),
      opened: await openSession(tx, { ...session, owner: { agentId }, poolId, leaseSeconds }),
    };
  });
  announceMoved(services, settled);
  return { ...opened, intervals: services.intervals };
}
