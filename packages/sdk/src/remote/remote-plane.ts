import type { StateName, StateType } from "@downbeat/contract";

/** A run of a deployment, as it is asked for; parameters and key are in clear here and sealed by who carries it on. */
export type TriggerRequest = {
  readonly flowName: string;
  readonly deploymentName: string;
  /** A JSON object. */
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly tags: readonly string[];
  /** ISO 8601; absent: as soon as an agent is free. */
  readonly scheduledFor?: string;
  /** The id the run shall have, a UUID of version 7; asked for again, the same run is meant. */
  readonly runId?: string;
  /** Any text, instead of an id: the same text means the same run. */
  readonly idempotencyKey?: string;
  /** The run that triggers it, where no agent says so itself. */
  readonly parentRunId?: string;
  /** The W3C `traceparent` of the span that asks, which travels in clear. */
  readonly traceparent?: string;
};

/** Why a run was not made; `code` is one of the error catalogue. */
export type Refusal = { readonly refusal: { readonly code: string; readonly message: string } };

export type TriggerAnswer = { readonly run: RunStatus } | Refusal;

/** A run as the plane knows it now. */
export type RunStatus = {
  readonly runId: string;
  readonly flowName: string;
  readonly deploymentName: string | null;
  /** `type` decides, `name` says it more closely; `at` is ISO 8601. */
  readonly state: { readonly type: StateType; readonly name: StateName; readonly at: string };
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  /** The class of the error with which it failed; its message is sealed. */
  readonly errorClass: string | null;
};

/** The way to the plane: through the agent for a run that it drives, by the profile for everything else. */
export interface RemotePlane {
  /** Asks for at most {@link MOST_AT_ONCE} runs; one answer each, in order. Asking again with ids or keys makes no second run. */
  trigger(
    requests: readonly TriggerRequest[],
    signal?: AbortSignal,
  ): Promise<readonly TriggerAnswer[]>;
  /** Reads at most {@link MOST_AT_ONCE} runs; those it does not know, or may not see, are left out. */
  read(runIds: readonly string[], signal?: AbortSignal): Promise<readonly RunStatus[]>;
}

/** What the API takes in one call. */
export const MOST_AT_ONCE = 500;
