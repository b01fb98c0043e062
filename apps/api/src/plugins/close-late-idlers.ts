import type { FastifyInstance } from "fastify";

const LOOK_MS = 100;

/**
 * While the server closes, closes connections that become idle only then: those of requests that were answered before their
 * bodies had arrived. Node closes the ones that are idle at that moment, and would keep these for as long as an idle connection may live.
 */
export function closeLateIdlers(app: FastifyInstance): void {
  app.addHook("preClose", async () => {
    const looking = setInterval(() => app.server.closeIdleConnections(), LOOK_MS);
    app.server.once("close", () => clearInterval(looking));
  });
}
