import type { DeploymentSpec, ROUTES, RouteReply } from "@downbeat/contract";
import { upsertDeployments } from "@downbeat/db";
import type { RequestContext } from "../../request-context.ts";
import type { Services } from "../../services.ts";

/** Registers flows, versions and deployments, all of them or none. Doing it again changes nothing. */
export async function deploy(
  { database }: Services,
  ctx: RequestContext,
  specs: readonly DeploymentSpec[],
): Promise<RouteReply<typeof ROUTES.deploy>> {
  return { deployments: await database.inWorkspace(ctx, (tx) => upsertDeployments(tx, specs)) };
}
