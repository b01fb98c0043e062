import type { TransitionItem } from "@downbeat/contract";
import { uuidv7 } from "uuidv7";
import type { Fence } from "./item-sealer.ts";

/** The first report of a lease: user code begins only after the plane has accepted it. */
export function runningItem({ runId, epoch, leaseToken }: Fence): TransitionItem {
  return {
    kind: "transition",
    runId,
    epoch,
    leaseToken,
    transitionId: uuidv7(),
    type: "RUNNING",
    name: "Running",
    reason: "started",
    error: null,
  };
}
