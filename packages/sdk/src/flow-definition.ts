import type { ErrorIssue } from "@downbeat/contract";
import type { ErrorRecord, FlowOutcome, RunHost } from "./run-host.ts";

/** The key under which a flow function carries its {@link FlowDefinition}. */
export const FLOW: unique symbol = Symbol.for("downbeat.flow") as never;

/**
 * How an agent or the CLI drives a flow. It travels on the flow itself, so that they drive whichever copy of this
 * package the user's project has, and never need their own to match.
 */
export interface FlowDefinition {
  readonly protocol: 1;
  readonly name: string;
  /** The limit of one attempt, in milliseconds, for a host that can also stop code which never yields. */
  readonly timeoutMs?: number;
  /** Its deployments are exclusive unless the project's configuration says otherwise. */
  readonly exclusive?: true;
  /** What it logs is sealed as it is, not deflated first. */
  readonly compressLogs?: false;
  /** Made for a task marked `background`: takes `{ args }`. */
  readonly isBackground?: true;
  /** JSON Schema (draft 2020-12) of the parameters, without defaults and examples. */
  parametersJsonSchema(): Record<string, unknown>;
  /** What is wrong with these parameters; empty when nothing is. */
  validateParameters(raw: unknown): Promise<readonly ErrorIssue[]>;
  /** Checks the parameters, then runs the flow. Never rejects: whatever happens is in the outcome. */
  execute(rawParameters: unknown, host: RunHost): Promise<FlowOutcome>;
  /**
   * Calls its `onCrashed` hooks for an attempt whose process is gone, `host.run.attempt`; absent when it has none. Never
   * rejects.
   */
  readonly crashed?: (error: ErrorRecord, host: RunHost) => Promise<void>;
}

/** The definition of a flow made by any copy of this package; undefined when the value is no flow. */
export function flowDefinitionOf(value: unknown): FlowDefinition | undefined {
  if (typeof value !== "function" || !(FLOW in value)) return undefined;
  const definition = value[FLOW] as Partial<FlowDefinition> | undefined;
  return definition?.protocol === 1 ? (definition as FlowDefinition) : undefined;
}
