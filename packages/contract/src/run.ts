import { z } from "zod";
import { plain } from "./boundary.ts";
import {
  BlindTag,
  Count,
  Cursor,
  Epoch,
  ErrorClass,
  Flag,
  Id,
  Instant,
  Name,
  Tags,
} from "./identifiers.ts";
import { StateReason } from "./reason.ts";
import { sealed } from "./sealed.ts";
import { State, StateName, StateType } from "./state.ts";

/** What went wrong: class, exit and fingerprint in clear, so failures group blind; message, stack and cause sealed. */
export const RunError = z.strictObject({
  class: ErrorClass,
  exitCode: plain(z.int()).nullable(),
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
  error: RunError.nullable(),
});
export type Run = z.infer<typeof Run>;

/** One run with what only its own page needs. `why` says in words why it is not running; null while it runs. */
export const RunDetail = Run.extend({
  parameters: sealed("parameters").nullable(),
  why: plain(z.string()).nullable(),
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

/** A trigger: which deployment, with which sealed parameters. */
export const RunSpec = z.strictObject({
  flowName: Name,
  deploymentName: Name.default("default"),
  parameters: sealed("parameters").nullable().default(null),
  scheduledFor: Instant.optional(),
  tags: Tags.default([]),
  /** Repeating a request with the same key returns the first run instead of making another. */
  idempotencyKey: BlindTag.or(Id).optional(),
});
export type RunSpec = z.infer<typeof RunSpec>;

export const RunFilter = z.strictObject({
  limit: plain(z.coerce.number().int().min(1).max(200)).default(50),
  cursor: Cursor.optional(),
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
});
export type RunFilter = z.infer<typeof RunFilter>;

export const CancelAnswer = z.strictObject({ run: Run, accepted: Flag });
