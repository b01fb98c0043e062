import type { Caller } from "@downbeat/client";
import { DEPLOY_LIMIT, type Deployment, type DeploymentSpec } from "@downbeat/contract";

/**
 * Registers any number of deployments, in order, as many in a request as the API takes. Each request is registered whole or not at
 * all; what was registered before one that fails stays so, and registering all of them again is safe.
 */
export async function registerAll(
  client: Pick<Caller, "call">,
  deployments: readonly DeploymentSpec[],
): Promise<Deployment[]> {
  const registered: Deployment[] = [];
  for (let from = 0; from < deployments.length; from += DEPLOY_LIMIT) {
    const body = { deployments: deployments.slice(from, from + DEPLOY_LIMIT) };
    registered.push(...(await client.call("deploy", { body })).deployments);
  }
  return registered;
}
