import type { Lease, TransitionItem } from "@downbeat/contract";
import { uuidv7 } from "uuidv7";

/** The first report of a lease: user code begins only after the plane has accepted it. */
export function runningItem({
  runId,
  epoch,
  leaseToken,
}: Pick<Lease, "runId" | "epoch" | "leaseToken">): TransitionItem {
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
