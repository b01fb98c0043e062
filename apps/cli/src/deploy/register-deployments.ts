import { DownbeatError, type Deployment, type DeploymentSpec } from "@downbeat/contract";
import { createDataKey, publicKeyOf, sealJson, type DataKey } from "@downbeat/seal";
import type { CliContext } from "../context.ts";
import { checkParameters } from "@downbeat/sdk/protocol";
import { coerceParameters } from "../parameters/coerce-parameters.ts";
import { pinnedPublicKey } from "../pinned-key.ts";
import type { PlannedFlow } from "./plan-deployments.ts";
import type { PlannedDeployment } from "./plan-targets.ts";
import type { ProjectConfig } from "./project-config.ts";

/** Tells the deployments of background tasks, and their runs, from others. */
const BACKGROUND_TAG = "background";

/** What the command line says about every deployment; what it leaves open the project's configuration says. */
export type DeployOverrides = {
  readonly poolName: string | undefined;
  readonly queueName: string | undefined;
  /** Added to those of the configuration. */
  readonly tags: readonly string[];
  /** `name=value` texts, over the parameters of the configuration. */
  readonly defaults: readonly string[];
  readonly policy: Partial<Pick<DeploymentSpec, "retry" | "timeoutSeconds" | "exclusive">>;
};

export type DeployRequest = {
  readonly deployments: readonly PlannedDeployment[];
  readonly limits: ProjectConfig["limits"];
  readonly overrides: DeployOverrides;
};

/**
 * Sets the limits, seals each flow's entrypoint and defaults and registers them in one call. It takes the private key: an
 * agent runs only entrypoints that a key holder has sealed.
 */
export async function registerDeployments(
  context: CliContext,
  { deployments: planned, limits, overrides }: DeployRequest,
): Promise<Deployment[]> {
  const connection = await context.connect();
  const { keyset, keyring } = await context.unlock();
  await registerKey(context);
  await pinnedPublicKey(connection);
  const dataKey = await createDataKey({ recipients: [publicKeyOf(keyset)], keyring });
  const deployments = await Promise.all(planned.map((one) => specOf(one, overrides, dataKey)));
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

async function specOf(
  { flow, name, config }: PlannedDeployment,
  overrides: DeployOverrides,
  dataKey: DataKey,
): Promise<DeploymentSpec> {
  const dep = `${flow.flowName}/${name}`;
  const given = coerceParameters(overrides.defaults, flow.parameterSchema);
  const defaults = { ...config.parameters, ...given };
  checkParameters(flow.flowName, defaults, flow.parameterSchema, { partial: true });
  const { concurrency, limits, requiredLabels } = config;
  return {
    flowName: flow.flowName,
    name,
    poolName: overrides.poolName ?? config.pool ?? "default",
    queueName: overrides.queueName ?? config.queue ?? "default",
    tags: tagsOf(flow, [...(config.tags ?? []), ...overrides.tags]),
    retry: overrides.policy.retry ?? config.retry ?? null,
    timeoutSeconds: overrides.policy.timeoutSeconds ?? config.timeoutSeconds ?? null,
    exclusive: overrides.policy.exclusive === true || (config.exclusive ?? flow.exclusive),
    // Absent: a standing deployment keeps what `downbeat deployment limit` has set.
    ...(concurrency !== undefined && { concurrency }),
    ...(limits !== undefined && { limitNames: limits }),
    ...(requiredLabels !== undefined && { requiredLabels }),
    contentHash: flow.contentHash,
    gitSha: flow.gitSha,
    parameterSchema: flow.parameterSchema as DeploymentSpec["parameterSchema"],
    entrypoint: await sealJson(
      dataKey,
      { kind: "entrypoint", dep },
      { path: flow.path, export: flow.export },
    ),
    defaultParameters:
      Object.keys(defaults).length === 0
        ? null
        : await sealJson(dataKey, { kind: "defaults", dep }, defaults),
  };
}

function tagsOf({ isBackground }: PlannedFlow, tags: readonly string[]): string[] {
  return [...new Set(isBackground ? [...tags, BACKGROUND_TAG] : tags)];
}
