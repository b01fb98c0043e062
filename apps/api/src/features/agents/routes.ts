import { ROUTES } from "@downbeat/contract";
import { listAgents } from "@downbeat/db";
import type { RegisterRoute } from "../../register-route.ts";
import type { Services } from "../../services.ts";
import { makeEnrolmentToken } from "./make-enrolment-token.ts";

export function agentRoutes(register: RegisterRoute, services: Services): void {
  const { database } = services;
  register(ROUTES.listAgents, ({ ctx, query }) =>
    database.inWorkspace(ctx, (tx) => listAgents(tx, query)),
  );
  register(ROUTES.createEnrolmentToken, ({ ctx, params }) =>
    makeEnrolmentToken(services, ctx, params.poolName),
  );
}
