import { z } from "zod";
import { plain } from "./boundary.ts";
import { Count } from "./identifiers.ts";

const Retries = plain(z.int().min(0).max(1000));
const Seconds = plain(
  z
    .number()
    .min(0)
    .max(7 * 24 * 3600),
);

/**
 * How often the plane starts a run again after an attempt ended badly, each time as a new attempt with a higher epoch.
 * Crashes (the process or its agent is gone) and failures (the flow threw) have budgets of their own. The wait is
 * `delaySeconds · factor^n`, at most `maxSeconds`, longer or shorter by up to the share `jitter`.
 */
export const RetryPolicy = z.strictObject({
  retriesOnCrash: Retries.default(0),
  retriesOnFailure: Retries.default(0),
  delaySeconds: Seconds.default(10),
  factor: plain(z.number().min(1).max(100)).default(2),
  maxSeconds: Seconds.default(600),
  jitter: plain(z.number().min(0).max(1)).default(0.2),
});
export type RetryPolicy = z.infer<typeof RetryPolicy>;

/** What is left of a live run's retry policy; nothing once it is terminal. */
export const RetriesLeft = z.strictObject({ onCrash: Count, onFailure: Count });
export type RetriesLeft = z.infer<typeof RetriesLeft>;

/** Longest a process may run a flow before the agent ends it, in seconds. */
export const TimeoutSeconds = plain(
  z
    .int()
    .min(1)
    .max(14 * 24 * 3600),
);
