import type { FastifyInstance } from "fastify";
import type { OpenStreams } from "./open-streams.ts";

/**
 * Keeps streams out of the time in which a request has to arrive whole. Node takes a request off its list as it calls it late,
 * so each is spared once and for all. What is late otherwise is cut as before, and a stream over which nothing moves by its
 * connection's own timeout.
 */
export function spareStreams(app: FastifyInstance, streams: OpenStreams): void {
  const cutOff = app.server.listeners("clientError");
  app.server.removeAllListeners("clientError");
  app.server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    if (!streams.has(socket)) for (const cut of cutOff) cut(error, socket);
    // An answer has begun: there is no place for another status.
    else if (error.code !== "ERR_HTTP_REQUEST_TIMEOUT") socket.destroy();
  });
}
