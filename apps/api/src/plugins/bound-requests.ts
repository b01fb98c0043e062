import { DownbeatError } from "@downbeat/contract";
import type { FastifyInstance, FastifyRequest } from "fastify";

/** What a request holds in memory beside its body and its answer. */
const REQUEST_BYTES = 4 * 1024;
/** Heartbeats, claims and single runs are no larger. */
const SMALL_BYTES = 16 * 1024;

/**
 * Bounds the memory of requests: from when its body begins to be read until its answer has been taken, a request counts
 * with both. What would go beyond `maxBytes` is refused before its body is read; small requests may take as much again, so that
 * heartbeats and claims get through when large bodies do not. An answer that nobody takes keeps others out only until its connection is cut.
 *
 * Throws {@link DownbeatError} `unavailable` out of the request's life.
 */
export function boundRequests(app: FastifyInstance, maxBytes: number): void {
  let bytes = 0;
  app.decorateRequest("heldBytes", 0);
  const hold = (request: FastifyRequest, more: number): void => {
    request.heldBytes += more;
    bytes += more;
  };
  app.addHook("preParsing", (request, reply, _payload, done) => {
    const { holdsBytes } = request.routeOptions.config;
    const asked = REQUEST_BYTES + (holdsBytes ?? bodyBytes(request, app.initialConfig.bodyLimit));
    if (bytes > 0 && bytes + asked > mostFor(asked, maxBytes)) return done(refusal(bytes));
    hold(request, asked);
    reply.raw.once("close", () => hold(request, -request.heldBytes));
    done();
  });
  app.addHook("onSend", (request, _reply, payload, done) => {
    // Refused requests hold nothing; files of pages are streams, read as they are taken.
    if (request.heldBytes > 0 && typeof payload === "string") hold(request, payload.length);
    done();
  });
}

// A body without a length may become as long as any.
function bodyBytes({ headers }: FastifyRequest, bodyLimit = 0): number {
  if (headers["transfer-encoding"] !== undefined) return bodyLimit;
  return Number(headers["content-length"] ?? 0);
}

function mostFor(askedBytes: number, maxBytes: number): number {
  return askedBytes <= SMALL_BYTES ? 2 * maxBytes : maxBytes;
}

function refusal(bytes: number): DownbeatError {
  return new DownbeatError("unavailable", {
    message: `Requests with ${bytes} bytes are being worked on already.`,
  });
}

declare module "fastify" {
  interface FastifyRequest {
    /** What it counts with, while it does. */
    heldBytes: number;
  }
  interface FastifyContextConfig {
    /** Most that a request of this route holds of its body and its answer at a time, however long they are. */
    readonly holdsBytes?: number;
  }
}
