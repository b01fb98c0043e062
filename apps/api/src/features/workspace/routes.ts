import { ROUTES } from "@downbeat/contract";
import {
  listDataKeys,
  listKeyRotations,
  readDataKeys,
  rewrapDataKeys,
  storeDataKeys,
} from "@downbeat/db";
import type { RegisterRoute } from "../../register-route.ts";
import type { Services } from "../../services.ts";
import { rotateKey } from "./rotate-workspace-key.ts";
import { setKey } from "./set-workspace-key.ts";

export function workspaceRoutes(register: RegisterRoute, services: Services): void {
  const { database } = services;
  register(ROUTES.setWorkspaceKey, ({ ctx, body }) => setKey(services, ctx, body));
  register(ROUTES.rotateWorkspaceKey, ({ ctx, body }) => rotateKey(services, ctx, body));
  register(ROUTES.listKeyRotations, async ({ ctx }) => ({
    items: await database.inWorkspace(ctx, listKeyRotations),
  }));
  register(ROUTES.createDataKeys, async ({ ctx, body }) => {
    await database.inWorkspace(ctx, (tx) => storeDataKeys(tx, body.dataKeys));
    return { stored: body.dataKeys.length };
  });
  register(ROUTES.readDataKeys, async ({ ctx, query }) => ({
    dataKeys: await database.inWorkspace(ctx, (tx) => readDataKeys(tx, query.ids)),
  }));
  register(ROUTES.listDataKeys, ({ ctx, query }) =>
    database.inWorkspace(ctx, (tx) => listDataKeys(tx, query)),
  );
  register(ROUTES.rewrapDataKeys, async ({ ctx, body }) => ({
    rewrapped: await database.inWorkspace(ctx, (tx) => rewrapDataKeys(tx, body.dataKeys)),
  }));
}
