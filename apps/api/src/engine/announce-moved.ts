import { isTerminal } from "@downbeat/contract";
import type { MovedRun } from "@downbeat/db";
import type { Services } from "../services.ts";

/**
 * Wakes those whom moved runs concern: claims when a run went back to the queue or freed a slot, the agent that is to
 * cancel one, log readers when one ended.
 */
export function announceMoved({ claims, logWaits }: Services, moved: readonly MovedRun[]): void {
  for (const { runId, type, poolId, sessionId } of moved) {
    if (type === "SCHEDULED" && poolId !== null) claims.announce(poolId, 1);
    if (type === "CANCELLING" && sessionId !== null) claims.endHold(sessionId);
    if (isTerminal(type)) logWaits.wake(runId, undefined);
  }
  if (moved.some(({ type }) => isTerminal(type))) claims.announceFreedSlots();
}
