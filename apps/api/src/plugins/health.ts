import { DownbeatError, openApiDocument } from "@downbeat/contract";
import type { Database } from "@downbeat/db";
import type { FastifyInstance } from "fastify";

/** `/health`: the process runs. `/ready`: it can serve, database included. `/openapi.json`: what it serves. */
export function describeSelf(
  app: FastifyInstance,
  options: { database: Database; version: string },
): void {
  const { database, version } = options;
  app.get("/health", () => ({ status: "ok", version }));
  app.get("/ready", async () => {
    try {
      await database.ping();
    } catch (cause) {
      throw new DownbeatError("unavailable", { message: "The database does not answer.", cause });
    }
    return { status: "ready", database: database.kind };
  });
  const openApi = JSON.stringify(openApiDocument(version));
  app.get("/openapi.json", (_request, reply) =>
    reply.type("application/json; charset=utf-8").send(openApi),
  );
}
