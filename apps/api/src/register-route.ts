import type { RouteReply, RouteRequest, RouteSpec } from "@downbeat/contract";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { requireAccess, type Principal } from "./auth/principal.ts";
import { Happening } from "./happening.ts";
import type { OpenStreams } from "./lines/open-streams.ts";
import { registerRouteOfLines, type LinesHandler } from "./lines/route-of-lines.ts";
import { inputReader } from "./read-input.ts";
import type { RequestContext } from "./request-context.ts";

export type Handler<R extends RouteSpec> = (
  call: RouteRequest<R> & { readonly ctx: RequestContext },
) => Promise<RouteReply<R>> | RouteReply<R>;

/** A route nobody needs credentials for: there is no principal and no workspace. */
export type PublicHandler<R extends RouteSpec> = (
  call: RouteRequest<R>,
) => Promise<RouteReply<R>> | RouteReply<R>;

export type HandlerOf<R extends RouteSpec> = R extends { readonly lines: object }
  ? LinesHandler<R>
  : "public" extends R["access"][number]
    ? PublicHandler<R>
    : Handler<R>;

/** Registers a route of the contract with its handler. */
export type RegisterRoute = <R extends RouteSpec>(spec: R, handler: HandlerOf<R>) => void;

export type RegisterOptions = {
  /** Who sends this request, if that is known already. */
  readonly recognise: (request: FastifyRequest) => Principal | undefined;
  /** Finds out who sends it otherwise; throws credentials_*. */
  readonly authenticate: (request: FastifyRequest) => Promise<Principal>;
  /** Makes a check whether a principal still stands, for requests that go on for long. */
  readonly checkOf: (principal: Principal) => () => Promise<void>;
  /** Also parses every answer with the route's response schema. For tests: costs a second pass over the payload. */
  readonly checkResponses: boolean;
  /** Where the streams of routes of lines are counted in. */
  readonly streams: OpenStreams;
};

/**
 * Makes the one registrar. Per request: credentials and role before the body is read, then one parse of each part, the
 * handler, and the answer as JSON. What a handler returns is typed by the same schema, so it is not parsed again.
 */
export function routeRegistrar(app: FastifyInstance, options: RegisterOptions): RegisterRoute {
  return (spec, given) => {
    const guard = isPublic(spec) ? {} : { onRequest: authorise(spec, options) };
    if (spec.lines !== undefined) {
      const handler = given as LinesHandler<typeof spec>;
      registerRouteOfLines(app, { spec, handler, guard, contextOf, ...options });
      return;
    }
    const read = inputReader(spec);
    const handle = given as (call: unknown) => unknown;
    app.route({
      method: spec.method,
      url: spec.path,
      ...guard,
      handler: async (request, reply) => {
        const input = read(request, request.principal?.workspaceId);
        const answer = await handle({ ...input, ctx: contextOf(request, reply) });
        reply.code(spec.status ?? 200);
        return options.checkResponses ? checked(spec, answer) : answer;
      },
    });
  };
}

function isPublic(spec: RouteSpec): boolean {
  return spec.access.includes("public");
}

// Callers are known but for their first request: no promise is made for the others. Fastify goes on when `done` is called
// or the promise that a hook returned is kept, whichever it is.
function authorise(spec: RouteSpec, { authenticate, recognise }: RegisterOptions) {
  return (request: FastifyRequest, _reply: FastifyReply, done: () => void) => {
    const enter = (principal: Principal): void => {
      requireAccess(principal.role, spec.access);
      request.principal = principal;
    };
    const recognised = recognise(request);
    if (recognised === undefined) return authenticate(request).then(enter);
    enter(recognised);
    return done();
  };
}

function contextOf(request: FastifyRequest, reply: FastifyReply): RequestContext | undefined {
  const { principal } = request;
  if (principal === undefined) return undefined;
  const hungUp = new Happening();
  reply.raw.on("close", () => {
    if (!reply.raw.writableFinished) hungUp.happen();
  });
  return {
    principal,
    workspaceId: principal.workspaceId,
    requestId: request.id,
    hungUp,
    log: request.log,
  };
}

function checked(spec: RouteSpec, answer: unknown): unknown {
  return spec.response.parse(answer);
}

declare module "fastify" {
  interface FastifyRequest {
    /** Set for every route but the public ones. */
    principal: Principal | undefined;
  }
}
