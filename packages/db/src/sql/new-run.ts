import type { Actor, Run } from "@downbeat/contract";

export type NewRun = {
  /** The id that the caller has chosen; `idempotencyKey` is then the same. */
  readonly runId?: string | null;
  readonly flowName: string;
  readonly deploymentName: string;
  /** Sealed. */
  readonly parameters: string | null;
  /** JWS by which it is triggered. */
  readonly signature?: string | null;
  /** ISO 8601; null means now. */
  readonly scheduledFor: string | null;
  /** Added to the deployment's. */
  readonly tags: readonly string[];
  readonly idempotencyKey: string | null;
  /** Tells a repeated request from another one under the same key. */
  readonly requestHash: string;
  readonly createdBy: Actor;
  /** The run that triggers this one. */
  readonly parentRunId?: string | null;
};

/**
 * What became of one asked run. `standing`: the idempotency key had made this run before. `mismatch`: it had, for
 * another request. `unknown`: no such flow or deployment; `flowExists` tells which.
 */
export type CreatedRun =
  | {
      readonly status: "created";
      readonly runId: string;
      /** As the API shows it. Made on demand: who makes thousands only wants their ids. */
      readonly run: () => Run;
      readonly poolId: string;
      /** Whether an agent may take it now. */
      readonly isDue: boolean;
      /** Set when the deployment's strategy may cancel runs: enforce-strategies.ts then has a say. */
      readonly strategyOf: string | null;
    }
  | { readonly status: "standing" | "mismatch"; readonly runId: string }
  | { readonly status: "unknown"; readonly flowExists: boolean };

/** What making a row says of it before those that keys made are looked up (`findTaken`). `taken`: its key, or its id, had made a run before. */
export type InsertedRun = CreatedRun | { readonly status: "taken" };

/** When a run is planned for, to the millisecond, as it is kept. */
export function toInstant({ scheduledFor }: NewRun): string | null {
  return scheduledFor === null ? null : new Date(scheduledFor).toISOString();
}
