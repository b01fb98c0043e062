import type { StateType } from "@downbeat/contract";
import type { Fence } from "@downbeat/testkit/history";
import type { MemoryRun, Move } from "./memory-run.ts";
import type { Leased, Owned } from "./store.ts";

export const CLAIMED: Move = {
  type: "PENDING",
  name: "Pending",
  reason: "claimed",
  transitionId: null,
};
export const AWAITING_RETRY = {
  type: "SCHEDULED",
  name: "AwaitingRetry",
  reason: "retry_scheduled",
} as const;
export const AGAIN = { type: "SCHEDULED", name: "Scheduled", reason: "retry_requested" } as const;
export const RELEASED = { type: "SCHEDULED", name: "Scheduled", reason: "released" } as const;
export const LATE = { type: "SCHEDULED", name: "Late", reason: "late" } as const;

/** What becomes of a run whose session gives it up. */
export function settled(
  type: StateType,
  reason: "agent_restarted" | "process_exited",
): Omit<Move, "transitionId"> {
  if (type === "PENDING") return RELEASED;
  if (type === "CANCELLING") return { type: "CANCELLED", name: "Cancelled", reason };
  return { type: "CRASHED", name: "Crashed", reason };
}

export function ownedOf({ runId, epoch, state }: MemoryRun): Owned {
  return { runId, epoch, type: state.type };
}

function fenceOf({ runId, epoch, leaseToken }: MemoryRun): Fence {
  return { runId, epoch, leaseToken: leaseToken ?? "" };
}

/** The lease of a claimed run, with what its pause points were given before this attempt. */
export function leasedOf(run: MemoryRun): Leased {
  return { ...fenceOf(run), inputs: run.epoch > 1 ? [...run.inputs].toSorted() : [] };
}

export function holds(run: MemoryRun, fence: Fence | undefined): boolean {
  return fence?.epoch === run.epoch && fence.leaseToken === run.leaseToken;
}
