import type { DeploymentSpec } from "@downbeat/contract";
import { createDataKey, createKeyset, publicKeyOf } from "@downbeat/seal";
import { deploymentSpec, type DeploymentSecrets } from "@downbeat/sdk/protocol";
import { coerceParameters } from "../parameters/coerce-parameters.ts";
import type { PlannedDeployment } from "./plan-targets.ts";

/** What the command line says about every deployment; what it leaves open the project's configuration says. */
export type DeployOverrides = {
  readonly poolName: string | undefined;
  readonly queueName: string | undefined;
  /** Added to those of the configuration. */
  readonly tags: readonly string[];
  /** `name=value` texts, over the parameters of the configuration. */
  readonly defaults: readonly string[];
  /** Whether all of them take parameters in clear; if not, those do of which the configuration says so. */
  readonly hostTransit: boolean;
  readonly policy: Partial<Pick<DeploymentSpec, "retry" | "timeoutSeconds" | "exclusive">>;
};

/**
 * What registers a planned deployment: what the command line says, over what the configuration says.
 *
 * @throws {DownbeatError} `parameters_invalid`, `definition_invalid` when the API would refuse it
 */
export async function plannedSpec(
  { flow, name, config }: PlannedDeployment,
  { poolName, queueName, tags, defaults, hostTransit, policy }: DeployOverrides,
  secrets: DeploymentSecrets,
): Promise<DeploymentSpec> {
  const given = coerceParameters(defaults, flow.parameterSchema);
  const merged = {
    ...config,
    pool: poolName ?? config.pool,
    queue: queueName ?? config.queue,
    tags: [...(config.tags ?? []), ...tags],
    parameters: { ...config.parameters, ...given },
    retry: policy.retry ?? config.retry,
    timeoutSeconds: policy.timeoutSeconds ?? config.timeoutSeconds,
    exclusive: policy.exclusive === true || config.exclusive,
    hostTransit: hostTransit || config.hostTransit,
  };
  return deploymentSpec({ flow, name, config: merged }, secrets);
}

const NOBODYS = "00000000-0000-0000-0000-000000000000";

/** Refuses what {@link plannedSpec} refuses. Takes no key: it seals with one that it throws away, so nobody ever opens it. */
export async function checkSpecs(
  planned: readonly PlannedDeployment[],
  overrides: DeployOverrides,
): Promise<void> {
  const keyset = await createKeyset({ workspaceId: NOBODYS, now: new Date(0) });
  const dataKey = await createDataKey({ recipients: [publicKeyOf(keyset)] });
  for (const one of planned) await plannedSpec(one, overrides, { dataKey });
}
