import { isTerminal } from "@downbeat/contract";
import type { MovedRun } from "@downbeat/db";
import type { Services } from "../services.ts";

/** Wakes those whom moved runs concern: claims when a run went back to the queue, log readers when one ended. */
export function announceMoved({ claims, logWaits }: Services, moved: readonly MovedRun[]): void {
  for (const { runId, type, poolId } of moved) {
    if (type === "SCHEDULED" && poolId !== null) claims.announce(poolId, 1);
    if (isTerminal(type)) logWaits.wake(runId, undefined);
  }
}
