import { DownbeatError, ROUTES } from "@downbeat/contract";
import { listApiKeys, readWorkspace, revokeApiKey } from "@downbeat/db";
import type { RegisterRoute } from "../../register-route.ts";
import type { Services } from "../../services.ts";
import { createKey } from "./create-api-key.ts";
import { exchangeToken } from "./exchange-token.ts";

export function authRoutes(register: RegisterRoute, services: Services): void {
  const { database, authenticator } = services;
  register(ROUTES.exchangeToken, ({ body }) => exchangeToken(services, body));
  register(ROUTES.whoAmI, async ({ ctx }) => {
    const { kind, id, role } = ctx.principal;
    const workspace = await database.inWorkspace(ctx, readWorkspace);
    if (workspace === undefined)
      throw new DownbeatError("not_found", { message: "The workspace was removed." });
    return { kind, id, role, workspace };
  });
  register(ROUTES.createApiKey, ({ ctx, body }) => createKey(services, ctx, body));
  register(ROUTES.listApiKeys, ({ ctx, query }) =>
    database.inWorkspace(ctx, (tx) => listApiKeys(tx, query)),
  );
  register(ROUTES.revokeApiKey, async ({ ctx, params }) => {
    const revoked = await database.inWorkspace(ctx, (tx) => revokeApiKey(tx, params.apiKeyId));
    if (revoked === undefined) {
      throw new DownbeatError("not_found", {
        message: `There is no API key ${params.apiKeyId} in this workspace.`,
      });
    }
    authenticator.forget(params.apiKeyId);
    return revoked;
  });
}
