import { DownbeatError } from "@downbeat/contract";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { methodsOf } from "../methods-of.ts";
import { answerProblem, toDownbeatError } from "../problem.ts";
import { isRefusal } from "../refusal.ts";
import { RefusalLog, type CallLater } from "../refusal-log.ts";

/**
 * Every answer that is not a success is a `Problem` with the request's id; what broke inside is logged, not sent. Faults
 * are logged each; of refusals see {@link RefusalLog}.
 */
export function answerErrors(app: FastifyInstance, callLater?: CallLater): void {
  const refusals = new RefusalLog(app.log, callLater);
  app.decorate("refusals", refusals);
  app.addHook("onClose", () => refusals.close());
  app.setErrorHandler((error, request, reply) => sendProblem(error, request, reply));
  app.setNotFoundHandler((request, reply) => {
    const methods = methodsOf(pathOf(request));
    if (methods.length > 0) void reply.header("allow", methods.join(", "));
    return sendProblem(noSuchRoute(request, methods), request, reply);
  });
}

/** Answers with what was thrown, as a `Problem`. */
export function sendProblem(
  thrown: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const error = toDownbeatError(thrown);
  const { status, problem, retryAfterSeconds } = answerProblem(error, request.id);
  logProblem(error, request);
  if (status === 401) void reply.header("www-authenticate", "Bearer");
  if (retryAfterSeconds !== undefined) void reply.header("retry-after", String(retryAfterSeconds));
  return reply.code(status).header("cache-control", "no-store").send(problem);
}

/** Logs what a request failed for, if it is not the caller's doing. */
export function logProblem(error: DownbeatError, request: FastifyRequest): void {
  if (isRefusal(error)) request.server.refusals.note(error, request);
  else if (error.status >= 500) request.log.error({ err: error }, "a request failed");
}

function pathOf(request: FastifyRequest): string {
  return request.url.split("?", 1)[0] ?? "";
}

function noSuchRoute(request: FastifyRequest, methods: readonly string[]): DownbeatError {
  const path = pathOf(request);
  if (methods.length > 0)
    return new DownbeatError("method_not_allowed", {
      message: `${path} takes ${methods.join(", ")}, not ${request.method}.`,
    });
  const message = `There is no route ${request.method} ${path}. /openapi.json lists every route.`;
  return new DownbeatError("not_found", { message });
}

declare module "fastify" {
  interface FastifyInstance {
    readonly refusals: RefusalLog;
  }
}
