import { DownbeatError, type Deployment, type DeploymentSpec } from "@downbeat/contract";
import { createDataKey, publicKeyOf } from "@downbeat/seal";
import type { CliContext } from "../context.ts";
import { deploymentSpec, type DeploymentSecrets } from "@downbeat/sdk/protocol";
import { coerceParameters } from "../parameters/coerce-parameters.ts";
import { pinnedPublicKey } from "../pinned-key.ts";
import { signingInForce } from "../signing.ts";
import type { PlannedDeployment } from "./plan-targets.ts";
import type { ProjectConfig } from "./project-config.ts";

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

export type DeployRequest = {
  readonly deployments: readonly PlannedDeployment[];
  readonly limits: ProjectConfig["limits"];
  readonly overrides: DeployOverrides;
  /** Whether to refuse to deploy without a signing key; with one it is signed in any case. */
  readonly sign?: boolean | undefined;
};

/**
 * Sets the limits, seals each flow's entrypoint and defaults and registers them in one call. It takes the private key: an
 * agent runs only entrypoints that a key holder has sealed.
 */
export async function registerDeployments(
  context: CliContext,
  { deployments: planned, limits, overrides, sign }: DeployRequest,
): Promise<Deployment[]> {
  const connection = await context.connect();
  const { keyset, keyring } = await context.unlock();
  await registerKey(context);
  await pinnedPublicKey(connection);
  const signing = await signingInForce(context, sign);
  const dataKey = await createDataKey({ recipients: [publicKeyOf(keyset)], keyring });
  const deployments = await Promise.all(
    planned.map((one) => specOf(one, overrides, { dataKey, signing })),
  );
  const { client } = connection;
  await client.call("createDataKeys", { body: { dataKeys: [dataKey.wrapped] } });
  for (const [limitName, body] of Object.entries(limits))
    await client.call("setLimit", { params: { limitName }, body });
  const answer = await client.call("deploy", { body: { deployments } });
  return answer.deployments;
}

/** A workspace that has no key yet takes the one of this machine; refused by the API without the role admin. */
async function registerKey(context: CliContext): Promise<void> {
  const { client } = await context.connect();
  const { keyset } = await context.unlock();
  const { workspace } = await client.call("whoAmI", {});
  if (workspace.id !== keyset.workspaceId) {
    throw new DownbeatError("key_wrong", {
      message: `The key on this machine is of workspace ${keyset.workspaceId}; these credentials are of ${workspace.id}.`,
    });
  }
  if (workspace.key !== null) return;
  const { keyId, publicJwk } = publicKeyOf(keyset);
  await client.call("setWorkspaceKey", { body: { keyId, publicJwk } });
}

/** What the command line says over what the configuration says. */
async function specOf(
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
