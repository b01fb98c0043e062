import type { ClaimAnswer, ClaimRequest } from "@downbeat/contract";
import type { RequestContext } from "../../request-context.ts";
import type { Services } from "../../services.ts";
import { claim } from "./claim.ts";
import type { HeartbeatDesk } from "./heartbeat.ts";

/**
 * A claim; that of an agent without work is its heartbeat too. Both are under way at once, and the answer is given when
 * the heartbeat is written: the agent counts its lease from when it sent the claim.
 */
export async function claimAndBeat(
  { services, heartbeats }: { services: Services; heartbeats: HeartbeatDesk },
  ctx: RequestContext,
  body: ClaimRequest,
): Promise<ClaimAnswer> {
  const { sessionId, idleTick } = body;
  if (idleTick === undefined) return claim(services, ctx, body);
  let [isUnderWay, hasWork] = [true, false];
  const beaten = heartbeats.beatIdle(ctx, { sessionId, tick: idleTick }, () => hasWork);
  beaten.then(
    () => (isUnderWay = false),
    () => {
      isUnderWay = false;
      // No reason to hold the claim any longer.
      services.claims.endHold(sessionId);
    },
  );
  const answer = await claim(services, ctx, body);
  hasWork = answer.leases.length > 0;
  if (isUnderWay) heartbeats.hurry(ctx);
  // If it failed, the leases wait for the claim to be repeated under its id.
  await beaten;
  return answer;
}
