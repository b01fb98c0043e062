import { ROUTES } from "@downbeat/contract";
import { readDataKeys, storeDataKeys } from "@downbeat/db";
import type { RegisterRoute } from "../../register-route.ts";
import type { Services } from "../../services.ts";
import { setKey } from "./set-workspace-key.ts";

export function workspaceRoutes(register: RegisterRoute, services: Services): void {
  const { database } = services;
  register(ROUTES.setWorkspaceKey, ({ ctx, body }) => setKey(services, ctx, body));
  register(ROUTES.createDataKeys, async ({ ctx, body }) => {
    await database.inWorkspace(ctx, (tx) => storeDataKeys(tx, body.dataKeys));
    return { stored: body.dataKeys.length };
  });
  register(ROUTES.readDataKeys, async ({ ctx, query }) => ({
    dataKeys: await database.inWorkspace(ctx, (tx) => readDataKeys(tx, query.ids)),
  }));
}
