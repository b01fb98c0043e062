import type { RunPause, StateName, StateReasonCode, StateType } from "@downbeat/contract";

/** A limit that a waiting run needs a slot of. */
export type LimitFacts = {
  readonly limit: number;
  readonly taken: number;
  /** Runs that hold its slots, oldest first, at most three. */
  readonly heldBy: readonly string[];
};

/** `tokens` is what its rate allows now; null without a rate. */
export type NamedLimitFacts = LimitFacts & {
  readonly name: string;
  readonly tokens: number | null;
};

/** What is known about a run that does not run. */
export type WaitingFacts = {
  readonly stateType: StateType;
  readonly stateName: StateName;
  readonly stateAt: Date;
  readonly reason: StateReasonCode;
  /** Why the attempt before a retry ended; null unless it waits for one. */
  readonly cause: StateReasonCode | null;
  /** The pause point it waits at; null unless it is paused. */
  readonly pause: Pick<RunPause, "key" | "expiresAt" | "onTimeout"> | null;
  readonly scheduledFor: Date;
  readonly poolName: string | null;
  readonly queueName: string | null;
  readonly poolPaused: boolean;
  readonly queuePaused: boolean;
  readonly deploymentPaused: boolean;
  readonly onlineAgents: number;
  /** Of these, agents whose labels fit; and of those, agents that serve the queue. */
  readonly fittingAgents: number;
  readonly servingAgents: number;
  readonly requiredLabels: readonly string[];
  readonly freeSlots: number;
  /** Null: no such limit. */
  readonly poolLimit: LimitFacts | null;
  readonly queueLimit: LimitFacts | null;
  readonly deploymentLimit: LimitFacts | null;
  readonly namedLimits: readonly NamedLimitFacts[];
};
