import { randomUUID } from "node:crypto";
import type { TransitionItem } from "@downbeat/contract";
import type { Fence } from "./item-sealer.ts";

/** The first report of a lease: user code begins only after the plane has accepted it. */
export function runningItem({ runId, epoch, leaseToken }: Fence): TransitionItem {
  return {
    kind: "transition",
    runId,
    epoch,
    leaseToken,
    transitionId: randomUUID(),
    type: "RUNNING",
    name: "Running",
    reason: "started",
    error: null,
  };
}
