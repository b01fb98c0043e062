import { DownbeatError, ROUTES } from "@downbeat/contract";
import { listFlows, listFlowVersions, readFlowByName } from "@downbeat/db";
import type { RegisterRoute } from "../../register-route.ts";
import type { Services } from "../../services.ts";

export function flowRoutes(register: RegisterRoute, { database }: Services): void {
  register(ROUTES.listFlows, ({ ctx, query }) =>
    database.inWorkspace(ctx, (tx) => listFlows(tx, query)),
  );
  register(ROUTES.readFlow, async ({ ctx, params }) => {
    const flow = await database.inWorkspace(ctx, (tx) => readFlowByName(tx, params.flowName));
    return flow ?? flowNotFound(params.flowName);
  });
  register(ROUTES.listFlowVersions, ({ ctx, params, query }) =>
    database.inWorkspace(ctx, async (tx) => {
      const flow = await readFlowByName(tx, params.flowName);
      return flow === undefined
        ? flowNotFound(params.flowName)
        : listFlowVersions(tx, { ...params, ...query });
    }),
  );
}

function flowNotFound(name: string): never {
  throw new DownbeatError("flow_not_found", {
    message: `No flow "${name}" is registered in this workspace.`,
  });
}
