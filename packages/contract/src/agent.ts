import { z } from "zod";
import { ArtifactItem, MetricItem } from "./artifact.ts";
import { BATCH_LIMIT } from "./protocol-limits.ts";
import { plain } from "./boundary.ts";
import { fence } from "./fence.ts";
import {
  BlindTag,
  Count,
  EmptyLogTag,
  Epoch,
  Flag,
  Id,
  Instant,
  LeaseToken,
  LongCount,
  Name,
  Tags,
  text,
} from "./identifiers.ts";
import { StateReason } from "./reason.ts";
import { PausePoint, RunInput } from "./pause.ts";
import { RunError, RunIds, RunSpec } from "./run.ts";
import { sealed } from "./sealed.ts";
import { State, StateName, StateType } from "./state.ts";
import { PublicJwk, WrappedDataKey } from "./workspace.ts";

/** An agent as lists show it. */
export const Agent = z.strictObject({
  id: Id,
  name: Name,
  poolName: Name,
  online: Flag,
  version: plain(z.string().max(32)).nullable(),
  capacity: Count,
  activeRuns: Count,
  lastSeenAt: Instant.nullable(),
  createdAt: Instant,
});
export type Agent = z.infer<typeof Agent>;

export const EnrolmentToken = z.strictObject({
  /** One use, ten minutes, one pool. */
  token: plain(z.string().regex(/^dnbenrol_[0-9a-f]{32}_[\w-]{43}$/)),
  poolName: Name,
  expiresInSeconds: Count,
});
export type EnrolmentToken = z.infer<typeof EnrolmentToken>;

export const EnrolRequest = z.strictObject({
  token: EnrolmentToken.shape.token,
  name: Name,
  publicJwk: PublicJwk,
  /** It is one process and never comes back under this name: forgotten once it has been silent for three days. */
  ephemeral: Flag.default(false),
});
export type EnrolRequest = z.infer<typeof EnrolRequest>;

export const EnrolAnswer = z.strictObject({ agentId: Id, workspaceId: Id, poolName: Name });
export type EnrolAnswer = z.infer<typeof EnrolAnswer>;

/** How often and how long, decided by the server, in seconds. Durations, never instants: clocks differ. */
export const Intervals = z.strictObject({
  leaseSeconds: Count,
  heartbeatSeconds: Count,
  reconnectWindowSeconds: Count,
  claimHoldSeconds: Count,
});
export type Intervals = z.infer<typeof Intervals>;

export const SessionRequest = z.strictObject({
  capacity: plain(z.int().min(1).max(10_000)),
  queueNames: z.array(Name).max(100).default([]),
  labels: Tags.default([]),
  version: plain(text(1, 32)),
  dataKeys: z.array(WrappedDataKey).max(10).default([]),
  /** Sessions of this agent that it knows to be over (found in its journal after a restart). */
  endedSessionIds: z.array(Id).max(100).default([]),
});
export type SessionRequest = z.infer<typeof SessionRequest>;

export const SessionAnswer = z.strictObject({ sessionId: Id, epoch: Epoch, intervals: Intervals });
export type SessionAnswer = z.infer<typeof SessionAnswer>;

/** Proposes a state for a run. Repeating a `transitionId` returns the standing answer. */
export const TransitionItem = z.strictObject({
  kind: plain(z.literal("transition")),
  ...fence,
  transitionId: Id,
  type: StateType,
  name: StateName,
  reason: StateReason,
  error: RunError.nullable().default(null),
  /** With PAUSED: what the run waits for. */
  pause: PausePoint.optional(),
  /** With COMPLETED: where the customer keeps the result. */
  result: sealed("result").optional(),
  /** With COMPLETED: that the attempt has logged nothing, in place of a log manifest. */
  emptyLog: EmptyLogTag.optional(),
});
export type TransitionItem = z.infer<typeof TransitionItem>;

/** The newest known state of a task run; may arrive late or out of order, `sequence` decides which stands. */
export const TaskRunItem = z.strictObject({
  kind: plain(z.literal("task_run")),
  ...fence,
  taskRunId: Id,
  taskName: Name,
  index: Count,
  sequence: Count,
  type: StateType,
  name: StateName,
  at: Instant,
  attempt: Count,
  startedAt: Instant.nullable(),
  endedAt: Instant.nullable(),
  upstream: z.array(Id).max(1000).default([]),
  renderedName: sealed("rendered-name").nullable().default(null),
  error: RunError.nullable().default(null),
  /** Where the customer keeps the result. */
  result: sealed("result").nullable().default(null),
  /** Shows which task runs share a cached value. */
  cacheTag: BlindTag.nullable().default(null),
});
export type TaskRunItem = z.infer<typeof TaskRunItem>;

export const LogItem = z.strictObject({
  kind: plain(z.literal("log")),
  ...fence,
  sequence: Count,
  lineCount: Count,
  chunk: sealed("log"),
});
export type LogItem = z.infer<typeof LogItem>;

/** A part of the list of what an attempt's log consists of, for readers to see what is missing. */
export const LogManifestItem = z.strictObject({
  kind: plain(z.literal("log_manifest")),
  ...fence,
  part: Count,
  manifest: sealed("log-manifest"),
});
export type LogManifestItem = z.infer<typeof LogManifestItem>;

export const ReportItem = z.discriminatedUnion("kind", [
  TransitionItem,
  TaskRunItem,
  LogItem,
  LogManifestItem,
  ArtifactItem,
  MetricItem,
]);
export type ReportItem = z.infer<typeof ReportItem>;

export const ReportRequest = z.strictObject({
  items: z.array(ReportItem).min(1).max(BATCH_LIMIT),
});
export type ReportRequest = z.infer<typeof ReportRequest>;

/**
 * The answer to one item, in the order asked. `accepted`: stored (also when it had been stored before). `rejected`: the
 * rules say no, `state` stands. `wait`: propose again after `waitSeconds`. `fenced`: the lease is void, stop the process.
 * All but transitions of a void lease is accepted when it was that of an earlier attempt of the run.
 */
export const ReportOutcome = z.strictObject({
  status: plain(z.enum(["accepted", "rejected", "wait", "abort", "fenced"])),
  state: State.nullable().default(null),
  waitSeconds: Count.nullable().default(null),
});
export type ReportOutcome = z.infer<typeof ReportOutcome>;

export const ReportAnswer = z.strictObject({ outcomes: z.array(ReportOutcome) });
export type ReportAnswer = z.infer<typeof ReportAnswer>;

export const HeartbeatRequest = z.strictObject({
  sessionId: Id,
  /** Rises with each turn of the agent's main loop: proof that it is alive, not only its timer. */
  tick: LongCount,
  runs: z
    .array(
      z.strictObject({
        runId: Id,
        epoch: Epoch,
        /** The key of the pause point at which its process waits. */
        awaits: Name.optional(),
      }),
    )
    .max(10_000),
});
export type HeartbeatRequest = z.infer<typeof HeartbeatRequest>;

export const HeartbeatAnswer = z.strictObject({
  cancel: z.array(Id),
  fenced: z.array(Id),
  /** What the awaited pause points were given. */
  inputs: z.array(z.strictObject({ runId: Id, ...RunInput.shape })).default([]),
  drain: Flag,
  intervals: Intervals,
});
export type HeartbeatAnswer = z.infer<typeof HeartbeatAnswer>;

export const ReleaseRequest = z.strictObject({
  sessionId: Id,
  runs: z.array(z.strictObject(fence)).max(BATCH_LIMIT),
  /** Also ends the session. */
  endSession: Flag.default(false),
  /** The agent will not come back: its key is worth nothing from now on, and lists leave it out. What it ran still names it. */
  leave: Flag.default(false),
});
export type ReleaseRequest = z.infer<typeof ReleaseRequest>;

/** Runs to be triggered by a run that the caller holds; they become its children, whatever else they say. */
export const ChildrenRequest = z.strictObject({
  ...fence,
  runs: z
    .array(RunSpec.omit({ parentRunId: true }))
    .min(1)
    .max(BATCH_LIMIT),
});
export type ChildrenRequest = z.infer<typeof ChildrenRequest>;

export const ReadChildrenRequest = z.strictObject({ ...fence, runIds: RunIds });

/** Opens a run that a plain script executes itself, already RUNNING, with a lease of its own. */
export const StandaloneRequest = z.strictObject({
  flowName: Name,
  tags: Tags.default([]),
  parameters: sealed("parameters").nullable().default(null),
  dataKeys: z.array(WrappedDataKey).max(10).default([]),
});
export type StandaloneRequest = z.infer<typeof StandaloneRequest>;

export const StandaloneAnswer = z.strictObject({
  sessionId: Id,
  runId: Id,
  epoch: Epoch,
  leaseToken: LeaseToken,
  intervals: Intervals,
});
export type StandaloneAnswer = z.infer<typeof StandaloneAnswer>;
