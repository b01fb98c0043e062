import type {
  StateName,
  StateReasonCode,
  StateType,
  WaitingCode,
  WaitingDetails,
} from "@downbeat/contract";

/** A limit that a waiting run needs a slot of. */
export type LimitFacts = {
  readonly limit: number;
  readonly taken: number;
  /** Runs that hold its slots, oldest first, at most three. */
  readonly heldBy: readonly string[];
};

/** What is known about a run that does not run. */
export type WaitingFacts = {
  readonly stateType: StateType;
  readonly stateName: StateName;
  readonly stateAt: Date;
  readonly reason: StateReasonCode;
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
  /** `tokens` is what its rate allows now; null without a rate. */
  readonly namedLimits: readonly (LimitFacts & {
    readonly name: string;
    readonly tokens: number | null;
  })[];
};

/** Why a run does not run: a code and facts for machines, words for people. */
export type Waiting = {
  readonly code: WaitingCode;
  readonly words: string;
  readonly details: WaitingDetails;
};

type WaitingReason = {
  readonly code: WaitingCode;
  readonly applies: (facts: WaitingFacts, now: Date) => boolean;
  readonly words: (facts: WaitingFacts) => string;
  readonly details?: (facts: WaitingFacts) => WaitingDetails;
};

const isFull = (limit: LimitFacts | null): boolean => limit !== null && limit.taken >= limit.limit;
const fullNamed = ({ namedLimits }: WaitingFacts) => namedLimits.find(isFull);
const exhausted = ({ namedLimits }: WaitingFacts) =>
  namedLimits.find(({ tokens }) => tokens !== null && tokens < 1);

// In the order a person would want to hear them: the first that applies is the answer.
const SCHEDULED_REASONS: readonly WaitingReason[] = [
  {
    code: "scheduled_for",
    applies: ({ scheduledFor }, now) => scheduledFor > now,
    words: ({ scheduledFor }) => `Scheduled for ${scheduledFor.toISOString()}.`,
    details: ({ scheduledFor }) => ({ scheduledFor: scheduledFor.toISOString() }),
  },
  {
    code: "deployment_paused",
    applies: ({ deploymentPaused }) => deploymentPaused,
    words: () => "The deployment is paused.",
  },
  {
    code: "pool_paused",
    applies: ({ poolPaused }) => poolPaused,
    words: ({ poolName }) => `The work pool "${poolName}" is paused.`,
    details: poolOf,
  },
  {
    code: "queue_paused",
    applies: ({ queuePaused }) => queuePaused,
    words: ({ queueName }) => `The work queue "${queueName}" is paused.`,
    details: queueOf,
  },
  {
    code: "no_agent",
    applies: ({ onlineAgents }) => onlineAgents === 0,
    words: ({ poolName }) =>
      `No agent polls the work pool "${poolName}". Start one with: downbeat agent start`,
    details: poolOf,
  },
  {
    code: "labels_unmatched",
    applies: ({ fittingAgents }) => fittingAgents === 0,
    words: ({ poolName, requiredLabels }) =>
      `No agent of the work pool "${poolName}" carries the labels that the deployment requires: ${requiredLabels.join(", ")}.`,
    details: (facts) => ({ ...poolOf(facts), requiredLabels: [...facts.requiredLabels] }),
  },
  {
    code: "queue_unserved",
    applies: ({ servingAgents }) => servingAgents === 0,
    words: ({ poolName, queueName }) =>
      `No agent of the work pool "${poolName}" that fits serves the queue "${queueName}".`,
    details: queueOf,
  },
  {
    code: "deployment_limit_full",
    applies: ({ deploymentLimit }) => isFull(deploymentLimit),
    words: ({ deploymentLimit }) => `The deployment's limit is full: ${fullWords(deploymentLimit)}`,
    details: ({ deploymentLimit }) => fullDetails(deploymentLimit),
  },
  {
    code: "limit_full",
    applies: (facts) => fullNamed(facts) !== undefined,
    words: (facts) => {
      const full = fullNamed(facts);
      return `The limit "${full?.name}" is full: ${fullWords(full ?? null)}`;
    },
    details: (facts) => namedDetails(fullNamed(facts)),
  },
  {
    code: "rate_exhausted",
    applies: (facts) => exhausted(facts) !== undefined,
    words: (facts) => `The rate of the limit "${exhausted(facts)?.name}" allows no run just now.`,
    details: (facts) => namedDetails(exhausted(facts)),
  },
  {
    code: "queue_limit_full",
    applies: ({ queueLimit }) => isFull(queueLimit),
    words: ({ queueName, queueLimit }) =>
      `The limit of the work queue "${queueName}" is full: ${fullWords(queueLimit)}`,
    details: (facts) => ({ ...queueOf(facts), ...fullDetails(facts.queueLimit) }),
  },
  {
    code: "pool_limit_full",
    applies: ({ poolLimit }) => isFull(poolLimit),
    words: ({ poolName, poolLimit }) =>
      `The limit of the work pool "${poolName}" is full: ${fullWords(poolLimit)}`,
    details: (facts) => ({ ...poolOf(facts), ...fullDetails(facts.poolLimit) }),
  },
  {
    code: "agents_busy",
    applies: ({ freeSlots }) => freeSlots <= 0,
    words: ({ poolName }) => `Every agent of the work pool "${poolName}" is busy.`,
    details: poolOf,
  },
  {
    code: "about_to_start",
    applies: () => true,
    words: () => "An agent will take it in a moment.",
  },
];

const OTHER_REASONS: Partial<Record<StateType, Omit<Waiting, "details">>> = {
  PENDING: { code: "preparing", words: "An agent took the run and prepares its process." },
  PAUSED: { code: "paused", words: "The run is paused until someone resumes it." },
  CANCELLING: {
    code: "cancelling",
    words: "The agent was asked to stop the run and has not confirmed yet.",
  },
};

/** Says why a run that is not terminal does not run; null while it runs or once it has ended. */
export function explainWaiting(facts: WaitingFacts, now: Date): Waiting | null {
  const since = facts.stateAt.toISOString();
  if (facts.stateName === "Unreachable") {
    const words = `The agent has not been heard of since about ${since}, longer than its lease; it may still come back.`;
    return { code: "agent_unreachable", words, details: { since } };
  }
  if (facts.stateType !== "SCHEDULED") {
    const other = OTHER_REASONS[facts.stateType];
    return other === undefined ? null : { ...other, details: { since } };
  }
  const reason = SCHEDULED_REASONS.find(({ applies }) => applies(facts, now));
  if (reason === undefined) return null;
  return {
    code: reason.code,
    words: reason.words(facts),
    details: reason.details?.(facts) ?? {},
  };
}

/** Only the words of {@link explainWaiting}. */
export function describeWaiting(facts: WaitingFacts, now: Date): string | null {
  return explainWaiting(facts, now)?.words ?? null;
}

function fullWords(limit: LimitFacts | null): string {
  if (limit === null) return "";
  const { heldBy, taken } = limit;
  const count = `${taken} of ${limit.limit} taken`;
  if (heldBy.length === 0) return `${count}.`;
  const more = taken > heldBy.length ? " and others" : "";
  return `${count}, by ${heldBy.join(", ")}${more}.`;
}

function fullDetails(limit: LimitFacts | null): WaitingDetails {
  if (limit === null) return {};
  return { limit: limit.limit, taken: limit.taken, heldBy: [...limit.heldBy] };
}

function namedDetails(limit: (LimitFacts & { readonly name: string }) | undefined): WaitingDetails {
  return limit === undefined ? {} : { limitName: limit.name, ...fullDetails(limit) };
}

function poolOf({ poolName }: WaitingFacts): WaitingDetails {
  return poolName === null ? {} : { poolName };
}

function queueOf(facts: WaitingFacts): WaitingDetails {
  const { queueName } = facts;
  return { ...poolOf(facts), ...(queueName !== null && { queueName }) };
}
