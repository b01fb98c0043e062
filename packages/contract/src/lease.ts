import { z } from "zod";
import { BATCH_LIMIT, CLAIM_HOLD_SECONDS } from "./protocol-limits.ts";
import { plain } from "./boundary.ts";
import { Count, Epoch, Flag, Id, LeaseToken, LongCount, Name, Tag } from "./identifiers.ts";
import { RunInput } from "./pause.ts";
import { TimeoutSeconds } from "./retry-policy.ts";
import { sealed } from "./sealed.ts";
import { signed } from "./signed.ts";

export const ClaimRequest = z.strictObject({
  sessionId: Id,
  /** A retried claim with the same id returns the same leases. */
  claimRequestId: Id,
  max: plain(z.int().min(1).max(BATCH_LIMIT)),
  waitSeconds: plain(z.number().min(0).max(CLAIM_HOLD_SECONDS)).default(CLAIM_HOLD_SECONDS),
  /** From an agent that holds no run: the claim is its heartbeat too, with this tick. */
  idleTick: LongCount.optional(),
});
export type ClaimRequest = z.infer<typeof ClaimRequest>;

/** What the leases of one deployment have in common. */
export const LeasedDeployment = z.strictObject({
  flowName: Name,
  deploymentName: Name,
  contentHash: plain(z.string()),
  entrypoint: sealed("entrypoint"),
  defaultParameters: sealed("defaults").nullable(),
  /** By whom the deployment was signed, and what of it; null: by nobody. */
  deploymentSignature: signed("deployment").nullable().default(null),
  /** The agent ends the process this long after user code began; null: no limit but the flow's own. */
  timeoutSeconds: TimeoutSeconds.nullable().default(null),
  /** The agent kills the process before the lease ends. */
  exclusive: Flag.default(false),
  /** Tags that some limit had when the run was claimed: only tasks with one of these ask for its slots. */
  limitedTags: z.array(Tag).default([]),
});
export type LeasedDeployment = z.infer<typeof LeasedDeployment>;

/** A lease as an answer to a claim says it: its deployment, which many may share, by its place there. */
export const LeasedRun = z.strictObject({
  runId: Id,
  epoch: Epoch,
  leaseToken: LeaseToken,
  /** From 0, in the answer's `deployments`. */
  deployment: Count,
  parameters: sealed("parameters").nullable(),
  /** By whom the trigger was signed, and what of it; null: by nobody. */
  signature: signed("trigger").nullable().default(null),
  /** What the pause points that earlier attempts passed were given: they return it again. */
  inputs: z.array(RunInput).default([]),
  /** Results that attempts from this one on have kept are used again; the epoch of the last retry from the start. */
  resultsFrom: Epoch.default(0),
});
export type LeasedRun = z.infer<typeof LeasedRun>;

export const ClaimAnswer = z.strictObject({
  leases: z.array(LeasedRun),
  deployments: z.array(LeasedDeployment),
  drain: Flag,
});
export type ClaimAnswer = z.infer<typeof ClaimAnswer>;

/** The right to run one attempt of one run. Every write about it carries `(runId, epoch, leaseToken)`. */
export type Lease = Omit<LeasedRun, "deployment"> & LeasedDeployment;

/**
 * The leases of an answer, each with all of its deployment.
 *
 * @throws TypeError when a lease names a deployment that the answer does not hold
 */
export function leasesOf({
  leases,
  deployments,
}: Pick<ClaimAnswer, "leases" | "deployments">): Lease[] {
  return leases.map((run) => {
    const deployment = deployments[run.deployment];
    if (deployment === undefined)
      throw new TypeError(
        `The lease of run ${run.runId} names deployment ${run.deployment} of ${deployments.length}.`,
      );
    return leaseOf(run, deployment);
  });
}

// Field by field: to spread both takes V8 10 µs instead of 0.04, and what comes of it is slow to read.
function leaseOf(run: LeasedRun, deployment: LeasedDeployment): Lease {
  return {
    runId: run.runId,
    epoch: run.epoch,
    leaseToken: run.leaseToken,
    parameters: run.parameters,
    signature: run.signature,
    inputs: run.inputs,
    resultsFrom: run.resultsFrom,
    flowName: deployment.flowName,
    deploymentName: deployment.deploymentName,
    contentHash: deployment.contentHash,
    entrypoint: deployment.entrypoint,
    defaultParameters: deployment.defaultParameters,
    deploymentSignature: deployment.deploymentSignature,
    timeoutSeconds: deployment.timeoutSeconds,
    exclusive: deployment.exclusive,
    limitedTags: deployment.limitedTags,
  };
}
