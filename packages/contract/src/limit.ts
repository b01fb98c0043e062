import { z } from "zod";
import { plain } from "./boundary.ts";
import { Count, Epoch, Flag, Id, Instant, LeaseToken, Name, Tag, Tags } from "./identifiers.ts";

/**
 * What happens to a run of a deployment beyond its limit. `enqueue`: it waits. `cancel-new`: it is CANCELLED. `cancel-running`:
 * the newest runs stay, what is older is cancelled.
 */
export const CONCURRENCY_STRATEGIES = ["enqueue", "cancel-new", "cancel-running"] as const;
export const ConcurrencyStrategy = plain(z.enum(CONCURRENCY_STRATEGIES));
export type ConcurrencyStrategy = z.infer<typeof ConcurrencyStrategy>;

/** How many runs of one deployment may be held by agents at once. */
export const DeploymentConcurrency = z.strictObject({
  limit: plain(z.int().min(1).max(100_000)),
  strategy: ConcurrencyStrategy.default("enqueue"),
});
export type DeploymentConcurrency = z.infer<typeof DeploymentConcurrency>;

/** How many runs may be held in a pool or a queue at once; null is no limit, 0 stops it. */
export const HeldLimit = plain(z.int().min(0).max(100_000)).nullable();

/** Names of limits that a deployment's runs, or a task's, take a slot of. */
export const LimitNames = z.array(Name).max(16);

/** How often slots may be taken: `perSecond` on average, `burst` at once after a rest. */
export const Rate = z.strictObject({
  perSecond: plain(z.number().min(1e-9).max(1_000_000)),
  burst: plain(z.int().min(1).max(1_000_000)),
});
export type Rate = z.infer<typeof Rate>;

/** What `PUT /v1/limits/:limitName` sets. */
export const LimitSpec = z.strictObject({
  slots: plain(z.int().min(0).max(100_000)),
  rate: Rate.nullable().default(null),
  /** Tasks that carry this tag take a slot too. */
  tag: Tag.nullable().default(null),
});
export type LimitSpec = z.infer<typeof LimitSpec>;

/** A named limit, shared by all deployments and tasks that list it, and by tasks that carry its tag. */
export const Limit = z.strictObject({
  id: Id,
  name: Name,
  slots: plain(z.int().min(0)),
  rate: Rate.nullable(),
  tag: Tag.nullable(),
  /** Slots taken now. */
  taken: Count,
  createdAt: Instant,
  updatedAt: Instant,
});
export type Limit = z.infer<typeof Limit>;

/** Asks for a slot of each limit that is named or whose tag is, all or none, for a task of a held run. */
export const AcquireRequest = z.strictObject({
  /** Names the slots; asking again with the same id takes nothing more. */
  requestId: Id,
  runId: Id,
  epoch: Epoch,
  leaseToken: LeaseToken,
  taskRunId: Id.nullable().default(null),
  limitNames: LimitNames.default([]),
  tags: Tags.default([]),
});
export type AcquireRequest = z.infer<typeof AcquireRequest>;

/**
 * `granted`: the slots are taken until they are released or the run ends. Otherwise ask again after `waitSeconds`.
 * `unknown` names what is no limit in this workspace: it limits nothing.
 */
export const AcquireAnswer = z.strictObject({
  granted: Flag,
  waitSeconds: plain(z.number().min(0)).nullable(),
  unknown: z.array(Name),
});
export type AcquireAnswer = z.infer<typeof AcquireAnswer>;

export const ReleaseSlotsRequest = z.strictObject({
  runId: Id,
  epoch: Epoch,
  leaseToken: LeaseToken,
  requestIds: z.array(Id).min(1).max(500),
});
export type ReleaseSlotsRequest = z.infer<typeof ReleaseSlotsRequest>;
