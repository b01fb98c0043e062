import type { RegisterRoute } from "../register-route.ts";
import type { Services } from "../services.ts";
import { agentProtocolRoutes } from "./agent-protocol/routes.ts";
import { agentRoutes } from "./agents/routes.ts";
import { authRoutes } from "./auth/routes.ts";
import { deploymentRoutes } from "./deployments/routes.ts";
import { flowRoutes } from "./flows/routes.ts";
import { limitRoutes } from "./limits/routes.ts";
import { poolRoutes } from "./pools/routes.ts";
import { runRoutes } from "./runs/routes.ts";
import { workspaceRoutes } from "./workspace/routes.ts";

/** Registers every route of the contract; a test holds that none is missing. */
export function registerFeatures(register: RegisterRoute, services: Services): void {
  for (const routes of FEATURES) routes(register, services);
}

const FEATURES = [
  authRoutes,
  workspaceRoutes,
  flowRoutes,
  deploymentRoutes,
  poolRoutes,
  limitRoutes,
  agentRoutes,
  runRoutes,
  agentProtocolRoutes,
];
