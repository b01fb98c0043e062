import type { StateName, StateReasonCode, StateType } from "@downbeat/contract";

/** What is known about a run that does not run. */
export type WaitingFacts = {
  readonly stateType: StateType;
  readonly stateName: StateName;
  readonly reason: StateReasonCode;
  readonly scheduledFor: Date;
  readonly poolName: string | null;
  readonly queueName: string | null;
  readonly poolPaused: boolean;
  readonly queuePaused: boolean;
  readonly deploymentPaused: boolean;
  readonly onlineAgents: number;
  readonly freeSlots: number;
  readonly poolLimit: number | null;
  readonly poolActive: number;
};

type WaitingReason = {
  readonly applies: (facts: WaitingFacts, now: Date) => boolean;
  readonly words: (facts: WaitingFacts, now: Date) => string;
};

// In the order a person would want to hear them: the first that applies is the answer.
const SCHEDULED_REASONS: readonly WaitingReason[] = [
  {
    applies: ({ scheduledFor }, now) => scheduledFor > now,
    words: ({ scheduledFor }) => `Scheduled for ${scheduledFor.toISOString()}.`,
  },
  {
    applies: ({ deploymentPaused }) => deploymentPaused,
    words: () => "The deployment is paused.",
  },
  {
    applies: ({ poolPaused }) => poolPaused,
    words: ({ poolName }) => `The work pool "${poolName}" is paused.`,
  },
  {
    applies: ({ queuePaused }) => queuePaused,
    words: ({ queueName }) => `The work queue "${queueName}" is paused.`,
  },
  {
    applies: ({ onlineAgents }) => onlineAgents === 0,
    words: ({ poolName }) =>
      `No agent polls the work pool "${poolName}". Start one with: downbeat agent start`,
  },
  {
    applies: ({ poolLimit, poolActive }) => poolLimit !== null && poolActive >= poolLimit,
    words: ({ poolName, poolLimit, poolActive }) =>
      `The limit of the work pool "${poolName}" is full: ${poolActive} of ${poolLimit} runs.`,
  },
  {
    applies: ({ freeSlots }) => freeSlots <= 0,
    words: ({ poolName }) => `Every agent of the work pool "${poolName}" is busy.`,
  },
  { applies: () => true, words: () => "An agent will take it in a moment." },
];

const OTHER_REASONS: Partial<Record<StateType, string>> = {
  PENDING: "An agent took the run and prepares its process.",
  PAUSED: "The run is paused until someone resumes it.",
  CANCELLING: "The agent was asked to stop the run and has not confirmed yet.",
};

/** Says in words why a run that is not terminal does not run; null while it runs or once it has ended. */
export function describeWaiting(facts: WaitingFacts, now: Date): string | null {
  if (facts.stateName === "Unreachable") {
    return "The agent has not been heard of for longer than its lease; it may still come back.";
  }
  if (facts.stateType !== "SCHEDULED") return OTHER_REASONS[facts.stateType] ?? null;
  const reason = SCHEDULED_REASONS.find(({ applies }) => applies(facts, now));
  return reason?.words(facts, now) ?? null;
}
