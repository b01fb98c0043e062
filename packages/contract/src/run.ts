import { z } from "zod";
import { plain } from "./boundary.ts";
import {
  BlindTag,
  Count,
  Cursor,
  EmptyLogTag,
  Epoch,
  ErrorClass,
  ExitCode,
  Flag,
  Id,
  Instant,
  Name,
  Tags,
} from "./identifiers.ts";
import { StateReason } from "./reason.ts";
import { RunPause } from "./pause.ts";
import { Problem } from "./problem.ts";
import { RetriesLeft } from "./retry-policy.ts";
import { sealed } from "./sealed.ts";
import { signed } from "./signed.ts";
import { State, StateName, StateType, TERMINAL_STATE_TYPES } from "./state.ts";
import { sealedOrClear } from "./transit.ts";

/** What went wrong: class, exit and fingerprint in clear, so failures group blind; message, stack and cause sealed. */
export const RunError = z.strictObject({
  class: ErrorClass,
  exitCode: ExitCode.nullable(),
  signal: plain(z.string().regex(/^SIG[A-Z0-9]+$/)).nullable(),
  fingerprint: BlindTag.nullable(),
  detail: sealed("error").nullable(),
});
export type RunError = z.infer<typeof RunError>;

/** Who caused a transition. */
export const Actor = z.strictObject({
  kind: plain(z.enum(["api-key", "agent", "engine"])),
  id: Id.nullable(),
});
export type Actor = z.infer<typeof Actor>;

/** A flow run as lists show it. */
export const Run = z.strictObject({
  id: Id,
  flowId: Id,
  flowName: Name,
  flowVersionId: Id.nullable(),
  deploymentId: Id.nullable(),
  deploymentName: Name.nullable(),
  poolName: Name.nullable(),
  queueName: Name.nullable(),
  state: State,
  reason: StateReason,
  epoch: Epoch,
  tags: Tags,
  createdBy: Actor,
  createdAt: Instant,
  scheduledFor: Instant,
  startedAt: Instant.nullable(),
  endedAt: Instant.nullable(),
  agentId: Id.nullable(),
  agentName: Name.nullable(),
  taskRunCount: Count,
  retriesLeft: RetriesLeft,
  /** The run in which this one was triggered; cancelling that one cancels this one. */
  parentRunId: Id.nullable(),
  error: RunError.nullable(),
});
export type Run = z.infer<typeof Run>;

/** One run with what only its own page needs. `why` says in words why it is not running; null while it runs. */
export const RunDetail = Run.extend({
  parameters: sealed("parameters").nullable(),
  /** The parameters were sent in clear, and the hosted plane sealed them (see `hostTransit` of the deployment). */
  hostTransit: Flag,
  why: plain(z.string()).nullable(),
  pause: RunPause.nullable(),
  /** Where the customer keeps the result, if the flow keeps it. */
  result: sealed("result").nullable(),
});
export type RunDetail = z.infer<typeof RunDetail>;

/** A row of a run's history: what, when, who and why. */
export const RunStateRecord = z.strictObject({
  sequence: Count,
  type: StateType,
  name: StateName,
  at: Instant,
  epoch: Epoch,
  actor: Actor,
  reason: StateReason,
  /** Of a retry: why the attempt before it ended; `error` is then that attempt's. */
  cause: StateReason.nullable().default(null),
  error: RunError.nullable(),
});
export type RunStateRecord = z.infer<typeof RunStateRecord>;

export const TaskRun = z.strictObject({
  id: Id,
  runId: Id,
  taskName: Name,
  /** The how-manieth run of this task name within the flow run, from 0. */
  index: Count,
  state: z.strictObject({ type: StateType, name: StateName, at: Instant }),
  attempt: Count,
  epoch: Epoch,
  startedAt: Instant.nullable(),
  endedAt: Instant.nullable(),
  upstream: z.array(Id),
  renderedName: sealed("rendered-name").nullable(),
  error: RunError.nullable(),
  /** Where the customer keeps the result, if the task keeps it. */
  result: sealed("result").nullable(),
  cacheTag: BlindTag.nullable(),
});
export type TaskRun = z.infer<typeof TaskRun>;

/** A sealed stretch of a run's log. What is inside is listed in `log-line.ts`. */
export const LogChunk = z.strictObject({
  runId: Id,
  epoch: Epoch,
  sequence: Count,
  lineCount: Count,
  receivedAt: Instant,
  chunk: sealed("log"),
});
export type LogChunk = z.infer<typeof LogChunk>;

/** A part of the sealed list of an attempt's log chunks. What is inside is in `log-line.ts`. */
export const LogManifestPart = z.strictObject({
  epoch: Epoch,
  part: Count,
  /** Null where there is a tag instead. */
  manifest: sealed("log-manifest").nullable(),
  /** The attempt has logged nothing, and says so with this. */
  emptyLog: EmptyLogTag.optional(),
});
export type LogManifestPart = z.infer<typeof LogManifestPart>;

const RunId = plain(z.uuid({ version: "v7" }).toLowerCase());

/** A trigger: which deployment, with which sealed parameters. */
export const RunSpec = z.strictObject({
  flowName: Name,
  deploymentName: Name.default("default"),
  parameters: sealed("parameters").nullable().default(null),
  scheduledFor: Instant.optional(),
  tags: Tags.default([]),
  /** Repeating a request with the same key returns the first run instead of making another. */
  idempotencyKey: BlindTag.or(Id).optional(),
  /** The run that triggers this one. */
  parentRunId: Id.optional(),
  /**
   * The run's id, chosen by the caller, who can then name the run before the API has answered. A version 7 UUID. It is
   * its own idempotency key: asking again with it returns the run; `idempotencyKey` cannot be given beside it.
   */
  runId: RunId.optional(),
  /** For agents that run nothing unsigned. */
  signature: signed("trigger").optional(),
});
export type RunSpec = z.infer<typeof RunSpec>;

/** A trigger of one run: its parameters may be in clear where the deployment says so. */
export const TriggerSpec = z.strictObject({
  ...RunSpec.shape,
  parameters: sealedOrClear().nullable().default(null),
});
export type TriggerSpec = z.infer<typeof TriggerSpec>;

/** Most runs whose states one call reads. */
export const READ_LIMIT = 500;
export const RunIds = z.array(Id).min(1).max(READ_LIMIT);

/** One answer per asked run, in order: its id and the run, or why it was not made. */
export const CreateOutcome = z.strictObject({
  /** Also of a run that its idempotency key had made before. */
  runId: Id.nullable(),
  /** Null as well when only ids were asked for. */
  run: Run.nullable(),
  error: z.strictObject({ code: plain(z.string()), message: plain(z.string()) }).nullable(),
});
export type CreateOutcome = z.infer<typeof CreateOutcome>;

/** The answer to one line of a stream: the id of the run, also of one made before, or why it was not made. */
export const StreamedOutcome = z.strictObject({
  runId: Id.nullable(),
  error: Problem.omit({ remedy: true, requestId: true }).nullable(),
});
export type StreamedOutcome = z.infer<typeof StreamedOutcome>;

const matching = {
  flowName: Name.optional(),
  deploymentName: Name.optional(),
  poolName: Name.optional(),
  stateType: plain(
    z.preprocess(
      (value) => (typeof value === "string" ? value.split(",") : value),
      z.array(StateType),
    ),
  ).optional(),
  createdAfter: Instant.optional(),
  createdBefore: Instant.optional(),
};

export const RunFilter = z.strictObject({
  limit: plain(z.coerce.number().int().min(1).max(200)).default(50),
  cursor: Cursor.optional(),
  ...matching,
});
export type RunFilter = z.infer<typeof RunFilter>;

export const CancelAnswer = z.strictObject({ run: Run, accepted: Flag });

/** What an operator may declare a run to be. */
export const RunStateOverride = z.strictObject({
  type: plain(z.enum(TERMINAL_STATE_TYPES)),
  reason: plain(z.literal("operator_set")).default("operator_set"),
});
export type RunStateOverride = z.infer<typeof RunStateOverride>;

/**
 * Where a retried run begins. `from_start`: everything is done again. `from_failed`: tasks whose results were kept by
 * earlier attempts are not.
 */
export const RETRY_MODES = ["from_start", "from_failed"] as const;
export const RetryMode = plain(z.enum(RETRY_MODES));
export type RetryMode = z.infer<typeof RetryMode>;

export const BULK_ACTIONS = ["cancel", "retry", "delete"] as const;

/** Most runs that one bulk call acts on; pass `nextCursor` of one call to the next. */
export const BULK_LIMIT = 500;

/** Up to where the runs that a filter matches are counted: a count takes as long as what it counts, on every call. */
export const BULK_COUNT_LIMIT = 10_000;

/** A {@link BulkAnswer}'s `matched` in words: `12`, or `10000 or more`. */
export function describeMatched(matched: number): string {
  return matched < BULK_COUNT_LIMIT ? String(matched) : `${matched} or more`;
}

/**
 * An action on every run that a filter matches and that is in a state which allows it. Without `stateType`, `retry` takes
 * what FAILED, CRASHED or was CANCELLED.
 */
export const BulkRequest = z.strictObject({
  action: plain(z.enum(BULK_ACTIONS)),
  filter: z.strictObject(matching),
  /** Of `retry`. */
  mode: RetryMode.default("from_start"),
  /** Only counts. */
  dryRun: Flag.default(false),
  /** Refuses to act when another number of runs matches by now; as `matched` tells it. */
  expectedCount: plain(z.int().min(0).max(BULK_COUNT_LIMIT)).optional(),
  limit: plain(z.int().min(1).max(BULK_LIMIT)).default(BULK_LIMIT),
  cursor: Cursor.optional(),
});
export type BulkRequest = z.infer<typeof BulkRequest>;

export const BulkAnswer = z.strictObject({
  /** How many runs matched when the call began; {@link BULK_COUNT_LIMIT}: so many or more. */
  matched: Count,
  /** How many of them were acted upon. */
  done: Count,
  /** Null when nothing is left to do. */
  nextCursor: Cursor.nullable(),
});
export type BulkAnswer = z.infer<typeof BulkAnswer>;
