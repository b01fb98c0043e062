import { DownbeatError, ROUTES, type WorkPool } from "@downbeat/contract";
import { createPool, listPools, readPoolByName, updatePool, upsertQueue } from "@downbeat/db";
import type { RegisterRoute } from "../../register-route.ts";
import type { Services } from "../../services.ts";

// More than any pool's line is long: after a change, everybody who waits looks again.
const EVERYBODY = Number.MAX_SAFE_INTEGER;

export function poolRoutes(register: RegisterRoute, { database, claims }: Services): void {
  register(ROUTES.listPools, ({ ctx, query }) =>
    database.inWorkspace(ctx, (tx) => listPools(tx, query)),
  );
  register(ROUTES.createPool, ({ ctx, body }) =>
    database.inWorkspace(ctx, (tx) => createPool(tx, body)),
  );
  register(ROUTES.readPool, async ({ ctx, params: { poolName } }) =>
    required(await database.inWorkspace(ctx, (tx) => readPoolByName(tx, poolName)), poolName),
  );
  register(ROUTES.updatePool, async ({ ctx, params: { poolName }, body }) => {
    const pool = required(
      await database.inWorkspace(ctx, (tx) => updatePool(tx, { name: poolName, ...body })),
      poolName,
    );
    claims.announce(pool.id, EVERYBODY);
    return pool;
  });
  register(ROUTES.createQueue, async ({ ctx, params: { poolName }, body }) => {
    const pool = required(
      await database.inWorkspace(ctx, (tx) => upsertQueue(tx, { poolName, ...body })),
      poolName,
    );
    claims.announce(pool.id, EVERYBODY);
    return pool;
  });
}

function required(pool: WorkPool | undefined, name: string): WorkPool {
  if (pool !== undefined) return pool;
  throw new DownbeatError("pool_not_found", {
    message: `No work pool "${name}" exists in this workspace.`,
  });
}
