import { createHash } from "node:crypto";
import type { FlowDefinition } from "../flow-definition.ts";

/** A flow that this process executes, as the deployment under which it is registered. */
export type ServedFlow = {
  readonly definition: FlowDefinition;
  readonly deploymentName: string;
  readonly tags: readonly string[];
  /** Default parameters; JSON values. */
  readonly parameters: Readonly<Record<string, unknown>> | undefined;
};

export function nameOfServed({ definition, deploymentName }: ServedFlow): string {
  return `${definition.name}/${deploymentName}`;
}

/** The label that a served deployment requires, and that only processes carry which have its flow. */
export function labelOf(served: ServedFlow): string {
  const digest = createHash("sha256").update(nameOfServed(served)).digest("hex");
  return `serves-${digest.slice(0, 32)}`;
}
