import type { StandaloneAnswer, StandaloneRequest } from "@downbeat/contract";
import { createStandaloneRun, ensureFlow, openSession, storeDataKeys } from "@downbeat/db";
import type { RequestContext } from "../../request-context.ts";
import type { Services } from "../../services.ts";

/** Opens a run that a plain script executes itself: a session of its API key, and a run already RUNNING in it. */
export async function openStandaloneRun(
  services: Services,
  ctx: RequestContext,
  { flowName, dataKeys, parameters, tags }: StandaloneRequest,
): Promise<StandaloneAnswer> {
  const { kind, id } = ctx.principal;
  const { leaseSeconds } = services.config;
  const opened = await services.database.inWorkspace(ctx, async (tx) => {
    if (dataKeys.length > 0) await storeDataKeys(tx, dataKeys);
    const { id: flowId } = await ensureFlow(tx, flowName);
    const session = { owner: { apiKeyId: id }, poolId: null, capacity: 1, leaseSeconds };
    const { sessionId } = await openSession(tx, session);
    const run = await createStandaloneRun(tx, {
      sessionId,
      flowId,
      parameters,
      tags,
      createdBy: { kind, id },
    });
    return { sessionId, ...run };
  });
  return { ...opened, intervals: services.intervals };
}
