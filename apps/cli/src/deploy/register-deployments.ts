import { DownbeatError, type Deployment } from "@downbeat/contract";
import { createDataKey, publicKeyOf } from "@downbeat/seal";
import { registerAll } from "@downbeat/sdk/protocol";
import type { CliContext } from "../context.ts";
import { pinnedPublicKey } from "../pinned-key.ts";
import { signingInForce } from "../signing.ts";
import { plannedSpec, type DeployOverrides } from "./planned-spec.ts";
import type { PlannedDeployment } from "./plan-targets.ts";
import type { ProjectConfig } from "./project-config.ts";

export type DeployRequest = {
  readonly deployments: readonly PlannedDeployment[];
  readonly limits: ProjectConfig["limits"];
  readonly overrides: DeployOverrides;
  /** Whether to refuse to deploy without a signing key; with one it is signed in any case. */
  readonly sign?: boolean | undefined;
};

/**
 * Sets the limits, seals each flow's entrypoint and defaults and registers them. It takes the private key: an
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
    planned.map((one) => plannedSpec(one, overrides, { dataKey, signing })),
  );
  const { client } = connection;
  await client.call("createDataKeys", { body: { dataKeys: [dataKey.wrapped] } });
  for (const [limitName, body] of Object.entries(limits))
    await client.call("setLimit", { params: { limitName }, body });
  return registerAll(client, deployments);
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
