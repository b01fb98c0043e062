import type { StateType, WaitingCode, WaitingDetails } from "@downbeat/contract";
import type { LimitFacts, NamedLimitFacts, WaitingFacts } from "./waiting-facts.ts";

/** One reason why a run does not run. */
export type WaitingReason = {
  readonly code: WaitingCode;
  /** The type of state in which it can apply. */
  readonly state: StateType;
  /** When it applies, as `docs/states.md` says it. */
  readonly when: string;
  /** A sentence in which `{name}` stands for that detail. */
  readonly words: string;
  readonly applies: (facts: WaitingFacts, now: Date) => boolean;
  readonly details: (facts: WaitingFacts) => WaitingDetails;
};

/**
 * Every reason why a run does not run, in the order in which a person would want to hear them: the first of its state that
 * applies is the answer. The API, the command line and docs/states.md all speak from this list.
 */
export const WAITING_REASONS: readonly WaitingReason[] = [
  {
    code: "awaiting_retry",
    state: "SCHEDULED",
    when: "the retry policy has planned another attempt for later",
    words: "Waits for its next attempt, at {scheduledFor}. The last one ended: {cause}",
    applies: (facts, now) => facts.stateName === "AwaitingRetry" && isLater(facts, now),
    details: (facts) => ({ ...dueOf(facts), ...(facts.cause !== null && { cause: facts.cause }) }),
  },
  {
    code: "scheduled_for",
    state: "SCHEDULED",
    when: "its time has not come",
    words: "Scheduled for {scheduledFor}.",
    applies: isLater,
    details: dueOf,
  },
  {
    code: "deployment_paused",
    state: "SCHEDULED",
    when: "the deployment is paused",
    words: "The deployment is paused.",
    applies: ({ deploymentPaused }) => deploymentPaused,
    details: nothing,
  },
  {
    code: "pool_paused",
    state: "SCHEDULED",
    when: "the work pool is paused",
    words: 'The work pool "{poolName}" is paused.',
    applies: ({ poolPaused }) => poolPaused,
    details: poolOf,
  },
  {
    code: "queue_paused",
    state: "SCHEDULED",
    when: "the work queue is paused",
    words: 'The work queue "{queueName}" is paused.',
    applies: ({ queuePaused }) => queuePaused,
    details: queueOf,
  },
  {
    code: "no_agent",
    state: "SCHEDULED",
    when: "no agent of the pool is online",
    words: 'No agent polls the work pool "{poolName}". Start one with: downbeat agent start',
    applies: ({ onlineAgents }) => onlineAgents === 0,
    details: poolOf,
  },
  {
    code: "labels_unmatched",
    state: "SCHEDULED",
    when: "agents are online, none with all the labels that the deployment requires",
    words:
      'No agent of the work pool "{poolName}" carries the labels that the deployment requires: {requiredLabels}.',
    applies: ({ fittingAgents }) => fittingAgents === 0,
    details: (facts) => ({ ...poolOf(facts), requiredLabels: [...facts.requiredLabels] }),
  },
  {
    code: "queue_unserved",
    state: "SCHEDULED",
    when: "the agents that fit were started for other queues",
    words: 'No agent of the work pool "{poolName}" that fits serves the queue "{queueName}".',
    applies: ({ servingAgents }) => servingAgents === 0,
    details: queueOf,
  },
  {
    code: "deployment_limit_full",
    state: "SCHEDULED",
    when: "the deployment's limit is full",
    words: "The deployment's limit is full: {taken} of {limit} taken{heldBy}.",
    applies: ({ deploymentLimit }) => isFull(deploymentLimit),
    details: ({ deploymentLimit }) => fullOf(deploymentLimit),
  },
  {
    code: "limit_full",
    state: "SCHEDULED",
    when: "a named limit that the deployment lists is full",
    words: 'The limit "{limitName}" is full: {taken} of {limit} taken{heldBy}.',
    applies: (facts) => fullNamed(facts) !== undefined,
    details: (facts) => namedOf(fullNamed(facts)),
  },
  {
    code: "rate_exhausted",
    state: "SCHEDULED",
    when: "the rate of a named limit that the deployment lists allows none just now",
    words: 'The rate of the limit "{limitName}" allows no run just now.',
    applies: (facts) => exhausted(facts) !== undefined,
    details: (facts) => namedOf(exhausted(facts)),
  },
  {
    code: "queue_limit_full",
    state: "SCHEDULED",
    when: "the work queue's limit is full",
    words: 'The limit of the work queue "{queueName}" is full: {taken} of {limit} taken{heldBy}.',
    applies: ({ queueLimit }) => isFull(queueLimit),
    details: (facts) => ({ ...queueOf(facts), ...fullOf(facts.queueLimit) }),
  },
  {
    code: "pool_limit_full",
    state: "SCHEDULED",
    when: "the work pool's limit is full",
    words: 'The limit of the work pool "{poolName}" is full: {taken} of {limit} taken{heldBy}.',
    applies: ({ poolLimit }) => isFull(poolLimit),
    details: (facts) => ({ ...poolOf(facts), ...fullOf(facts.poolLimit) }),
  },
  {
    code: "agents_busy",
    state: "SCHEDULED",
    when: "every agent of the pool holds as many runs as it takes",
    words: 'Every agent of the work pool "{poolName}" is busy.',
    applies: ({ freeSlots }) => freeSlots <= 0,
    details: poolOf,
  },
  {
    code: "about_to_start",
    state: "SCHEDULED",
    when: "nothing stands in its way",
    words: "An agent will take it in a moment.",
    applies: () => true,
    details: nothing,
  },
  {
    code: "preparing",
    state: "PENDING",
    when: "an agent has taken it and user code has not begun",
    words: "An agent took the run and prepares its process.",
    applies: () => true,
    details: sinceOf,
  },
  {
    code: "agent_unreachable",
    state: "RUNNING",
    when: "the agent that runs it has missed its lease, and may still come back",
    words:
      "The agent has not been heard of since about {since}, longer than its lease; it may still come back.",
    applies: ({ stateName }) => stateName === "Unreachable",
    details: sinceOf,
  },
  {
    code: "input_refused",
    state: "PAUSED",
    when: "the agent refused what was given, because no key that it lists has signed it",
    words:
      'Still waits at "{pauseKey}": the agent runs only signed work, and what was given is not signed by a key it lists. Resume it with --sign.{deadline}',
    applies: ({ reason }) => reason === "input_refused",
    details: pauseOf,
  },
  {
    code: "suspended",
    state: "PAUSED",
    when: "the flow suspended itself: its process has ended, nothing is held",
    words: 'Suspended at "{pauseKey}" until someone resumes it; it holds no process.{deadline}',
    applies: ({ stateName }) => stateName === "Suspended",
    details: pauseOf,
  },
  {
    code: "paused",
    state: "PAUSED",
    when: "the flow waits in its process for a person",
    words: 'Paused at "{pauseKey}" until someone resumes it; its process waits.{deadline}',
    applies: () => true,
    details: pauseOf,
  },
  {
    code: "cancelling",
    state: "CANCELLING",
    when: "it is to be cancelled and its agent has not said that it stopped",
    words: "The agent was asked to stop the run and has not confirmed yet.",
    applies: () => true,
    details: sinceOf,
  },
];

const isFull = (limit: LimitFacts | null): boolean => limit !== null && limit.taken >= limit.limit;
const fullNamed = ({ namedLimits }: WaitingFacts) => namedLimits.find(isFull);
const exhausted = ({ namedLimits }: WaitingFacts) =>
  namedLimits.find(({ tokens }) => tokens !== null && tokens < 1);

function isLater({ scheduledFor }: WaitingFacts, now: Date): boolean {
  return scheduledFor > now;
}

function nothing(): WaitingDetails {
  return {};
}

function dueOf({ scheduledFor }: WaitingFacts): WaitingDetails {
  return { scheduledFor: scheduledFor.toISOString() };
}

function sinceOf({ stateAt }: WaitingFacts): WaitingDetails {
  return { since: stateAt.toISOString() };
}

function poolOf({ poolName }: WaitingFacts): WaitingDetails {
  return poolName === null ? {} : { poolName };
}

function queueOf(facts: WaitingFacts): WaitingDetails {
  const { queueName } = facts;
  return { ...poolOf(facts), ...(queueName !== null && { queueName }) };
}

function fullOf(limit: LimitFacts | null): WaitingDetails {
  if (limit === null) return {};
  return { limit: limit.limit, taken: limit.taken, heldBy: [...limit.heldBy] };
}

function namedOf(limit: NamedLimitFacts | undefined): WaitingDetails {
  return limit === undefined ? {} : { limitName: limit.name, ...fullOf(limit) };
}

function pauseOf(facts: WaitingFacts): WaitingDetails {
  if (facts.pause === null) return sinceOf(facts);
  const { key, expiresAt, onTimeout } = facts.pause;
  const deadline = expiresAt === null ? {} : { expiresAt, onTimeout };
  return { ...sinceOf(facts), pauseKey: key, ...deadline };
}
