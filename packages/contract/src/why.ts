import { z } from "zod";
import { plain } from "./boundary.ts";
import { Count, Flag, Id, Instant, Name, Tags } from "./identifiers.ts";
import { RunPause } from "./pause.ts";
import { StateReason } from "./reason.ts";

/** Why a run that is not terminal does not run, as codes; the words are made of them in `core`. */
export const WAITING_CODES = [
  "awaiting_retry",
  "scheduled_for",
  "deployment_paused",
  "pool_paused",
  "queue_paused",
  "no_agent",
  "labels_unmatched",
  "queue_unserved",
  "deployment_limit_full",
  "queue_limit_full",
  "pool_limit_full",
  "limit_full",
  "rate_exhausted",
  "agents_busy",
  "about_to_start",
  "preparing",
  "input_refused",
  "suspended",
  "paused",
  "cancelling",
  "agent_unreachable",
] as const;
export const WaitingCode = plain(z.enum(WAITING_CODES));
export type WaitingCode = z.infer<typeof WaitingCode>;

/** What the words speak of, for machines. Absent: plays no part. */
export const WaitingDetails = z.strictObject({
  scheduledFor: Instant.optional(),
  /** Why the attempt before ended. */
  cause: StateReason.optional(),
  since: Instant.optional(),
  poolName: Name.optional(),
  queueName: Name.optional(),
  limitName: Name.optional(),
  limit: Count.optional(),
  taken: Count.optional(),
  /** Runs that hold the limit's slots, at most three. */
  heldBy: z.array(Id).max(3).optional(),
  requiredLabels: Tags.optional(),
  /** The pause point it waits at; what happens at `expiresAt` when nobody resumes it. */
  pauseKey: Name.optional(),
  expiresAt: Instant.optional(),
  onTimeout: RunPause.shape.onTimeout.optional(),
});
export type WaitingDetails = z.infer<typeof WaitingDetails>;

/** Why a run does not run. `waiting` is false while it runs and once it has ended; then there is nothing to say. */
export const Why = z.strictObject({
  waiting: Flag,
  code: WaitingCode.nullable(),
  words: plain(z.string()).nullable(),
  details: WaitingDetails,
});
export type Why = z.infer<typeof Why>;
