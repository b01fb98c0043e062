import { DownbeatError, ROUTES } from "@downbeat/contract";
import { listDeployments, readDeploymentByName, updateDeployment } from "@downbeat/db";
import type { RegisterRoute } from "../../register-route.ts";
import type { Services } from "../../services.ts";
import { deploy } from "./deploy.ts";

export function deploymentRoutes(register: RegisterRoute, services: Services): void {
  const { database, claims } = services;
  register(ROUTES.deploy, ({ ctx, body }) => deploy(services, ctx, body.deployments));
  register(ROUTES.listDeployments, ({ ctx, query }) =>
    database.inWorkspace(ctx, (tx) => listDeployments(tx, query)),
  );
  register(ROUTES.readDeployment, async ({ ctx, params }) => {
    const found = await database.inWorkspace(ctx, (tx) => readDeploymentByName(tx, params));
    if (found !== undefined) return found;
    const message = `The flow "${params.flowName}" has no deployment "${params.deploymentName}" in this workspace.`;
    throw new DownbeatError("flow_not_found", { message });
  });
  register(ROUTES.updateDeployment, async ({ ctx, params: { deploymentId }, body }) => {
    const updated = await database.inWorkspace(ctx, (tx) =>
      updateDeployment(tx, { id: deploymentId, ...body }),
    );
    claims.announceFreedSlots();
    if (updated !== undefined) return updated;
    throw new DownbeatError("not_found", {
      message: `There is no deployment ${deploymentId} in this workspace.`,
    });
  });
}
