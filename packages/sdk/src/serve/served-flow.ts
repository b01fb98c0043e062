import { createHash } from "node:crypto";
import type { DeploymentConfig } from "../deploy/define-config.ts";
import type { FlowDefinition } from "../flow-definition.ts";

/** What may be said of a served deployment as of a deployed one. */
export type ServedConfig = Pick<
  DeploymentConfig,
  "hostTransit" | "limits" | "parameters" | "retry" | "tags" | "timeoutSeconds"
>;

/** A flow that this process executes, as the deployment under which it is registered. */
export type ServedFlow = {
  readonly definition: FlowDefinition;
  readonly deploymentName: string;
  /** What its deployment is registered with. */
  readonly config: ServedConfig;
};

export function nameOfServed({ definition, deploymentName }: ServedFlow): string {
  return `${definition.name}/${deploymentName}`;
}

/** The label that a served deployment requires, and that only processes carry which have its flow. */
export function labelOf(served: ServedFlow): string {
  const digest = createHash("sha256").update(nameOfServed(served)).digest("hex");
  return `serves-${digest.slice(0, 32)}`;
}
