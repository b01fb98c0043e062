import { ROUTES } from "@downbeat/contract";
import {
  acquireSlots,
  listLimits,
  readLimit,
  releaseSlots,
  removeLimit,
  setLimit,
} from "@downbeat/db";
import type { RegisterRoute } from "../../register-route.ts";
import type { Services } from "../../services.ts";

export function limitRoutes(register: RegisterRoute, { database, claims }: Services): void {
  register(ROUTES.listLimits, ({ ctx, query }) =>
    database.inWorkspace(ctx, (tx) => listLimits(tx, query)),
  );
  register(ROUTES.readLimit, ({ ctx, params }) =>
    database.inWorkspace(ctx, (tx) => readLimit(tx, params.limitName)),
  );
  register(ROUTES.setLimit, async ({ ctx, params, body }) => {
    const limit = await database.inWorkspace(ctx, (tx) =>
      setLimit(tx, { name: params.limitName, ...body }),
    );
    claims.announceFreedSlots();
    return limit;
  });
  register(ROUTES.removeLimit, ({ ctx, params }) =>
    database.inWorkspace(ctx, (tx) => removeLimit(tx, params.limitName)),
  );
  register(ROUTES.acquireSlots, ({ ctx, body }) =>
    database.inWorkspace(ctx, (tx) => acquireSlots(tx, body)),
  );
  register(ROUTES.releaseSlots, async ({ ctx, body }) => {
    const released = await database.inWorkspace(ctx, (tx) => releaseSlots(tx, body));
    if (released > 0) claims.announceFreedSlots();
    return { released };
  });
}
