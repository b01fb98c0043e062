import { z } from "zod";
import { plain } from "./boundary.ts";

/** Every state type, in the order a run meets them. The type drives logic; a state's name is a label. */
export const STATE_TYPES = [
  "SCHEDULED",
  "PENDING",
  "RUNNING",
  "PAUSED",
  "CANCELLING",
  "COMPLETED",
  "FAILED",
  "CRASHED",
  "CANCELLED",
] as const;

export const StateType = plain(z.enum(STATE_TYPES));
export type StateType = z.infer<typeof StateType>;

/** Types that end a run. Terminal is final unless a person retries. */
export const TERMINAL_STATE_TYPES = ["COMPLETED", "FAILED", "CRASHED", "CANCELLED"] as const;
export type TerminalStateType = (typeof TERMINAL_STATE_TYPES)[number];

export function isTerminal(type: StateType): type is TerminalStateType {
  return (TERMINAL_STATE_TYPES as readonly StateType[]).includes(type);
}

/** The named sub-states of each type; the first is the default. */
export const STATE_NAMES = {
  SCHEDULED: ["Scheduled", "Late", "AwaitingRetry", "AwaitingConcurrencySlot", "Resuming"],
  PENDING: ["Pending"],
  RUNNING: ["Running", "Retrying", "Unreachable"],
  PAUSED: ["Paused", "Suspended"],
  CANCELLING: ["Cancelling"],
  COMPLETED: ["Completed", "Cached", "Skipped"],
  FAILED: ["Failed", "TimedOut", "UpstreamFailed", "Missed"],
  CRASHED: ["Crashed"],
  CANCELLED: ["Cancelled"],
} as const satisfies Record<StateType, readonly [string, ...string[]]>;

export type StateName = (typeof STATE_NAMES)[StateType][number];
export const StateName = plain(
  z.enum(Object.values(STATE_NAMES).flat() as [StateName, ...StateName[]]),
);

/** A state as it travels: what it is, its label, and since when. */
export const State = z.strictObject({
  type: StateType,
  name: StateName,
  at: plain(z.iso.datetime({ offset: true })),
});
export type State = z.infer<typeof State>;

/** The label a state of this type carries when nothing more specific is known. */
export function defaultStateName(type: StateType): StateName {
  return STATE_NAMES[type][0];
}
