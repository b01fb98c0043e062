import type { RouteSpec } from "./route.ts";
import { agentRoutes } from "./routes/agent-routes.ts";
import { flowRoutes } from "./routes/flow-routes.ts";
import { limitRoutes } from "./routes/limit-routes.ts";
import { runRoutes } from "./routes/run-routes.ts";
import { workspaceRoutes } from "./routes/workspace-routes.ts";

/** Every route of the API. Server, client and OpenAPI are made from this table and nothing else. */
export const ROUTES = {
  ...workspaceRoutes,
  ...flowRoutes,
  ...limitRoutes,
  ...runRoutes,
  ...agentRoutes,
} as const satisfies Record<string, RouteSpec>;

export type RouteName = keyof typeof ROUTES;

/** Routes whose body and answer are lines, and that are not called but streamed. */
export type LinesRouteName = {
  [N in RouteName]: (typeof ROUTES)[N] extends { readonly lines: object } ? N : never;
}[RouteName];

/** Routes that take one body and give one answer. */
export type CallRouteName = Exclude<RouteName, LinesRouteName>;
