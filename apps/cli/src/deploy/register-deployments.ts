import { DownbeatError, type Deployment, type DeploymentSpec } from "@downbeat/contract";
import { createDataKey, publicKeyOf, sealJson, type DataKey } from "@downbeat/seal";
import type { CliContext } from "../context.ts";
import { checkParameters } from "@downbeat/sdk/protocol";
import { coerceParameters } from "../parameters/coerce-parameters.ts";
import { pinnedPublicKey } from "../pinned-key.ts";
import type { PlannedFlow } from "./plan-deployments.ts";

export type DeploymentTarget = {
  readonly name: string;
  readonly poolName: string;
  readonly queueName: string;
  readonly tags: readonly string[];
  /** `name=value` texts. */
  readonly defaults: readonly string[];
  readonly policy: Pick<DeploymentSpec, "retry" | "timeoutSeconds" | "exclusive">;
};

/**
 * Seals each flow's entrypoint and defaults and registers them in one call. It takes the private key: an agent runs only
 * entrypoints that a key holder has sealed.
 */
export async function registerDeployments(
  context: CliContext,
  flows: readonly PlannedFlow[],
  target: DeploymentTarget,
): Promise<Deployment[]> {
  const connection = await context.connect();
  const { keyset, keyring } = await context.unlock();
  await registerKey(context);
  await pinnedPublicKey(connection);
  const dataKey = await createDataKey({ recipients: [publicKeyOf(keyset)], keyring });
  const deployments = await Promise.all(flows.map((flow) => specOf(flow, target, dataKey)));
  await connection.client.call("createDataKeys", { body: { dataKeys: [dataKey.wrapped] } });
  const answer = await connection.client.call("deploy", { body: { deployments } });
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
  flow: PlannedFlow,
  target: DeploymentTarget,
  dataKey: DataKey,
): Promise<DeploymentSpec> {
  const dep = `${flow.flowName}/${target.name}`;
  const defaults = coerceParameters(target.defaults, flow.parameterSchema);
  checkParameters(flow.flowName, defaults, flow.parameterSchema, { partial: true });
  return {
    flowName: flow.flowName,
    name: target.name,
    poolName: target.poolName,
    queueName: target.queueName,
    tags: [...target.tags],
    ...target.policy,
    contentHash: flow.contentHash,
    gitSha: flow.gitSha,
    parameterSchema: flow.parameterSchema as DeploymentSpec["parameterSchema"],
    entrypoint: await sealJson(
      dataKey,
      { kind: "entrypoint", dep },
      { path: flow.path, export: flow.export },
    ),
    defaultParameters:
      target.defaults.length === 0
        ? null
        : await sealJson(dataKey, { kind: "defaults", dep }, defaults),
  };
}
