import { randomUUID } from "node:crypto";
import {
  fastify,
  LogController,
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyRequest,
} from "fastify";
import type { Database } from "@downbeat/db";
import { Authenticator } from "./auth/authenticator.ts";
import { Standing } from "./auth/standing.ts";
import type { Principal } from "./auth/principal.ts";
import type { SigningKeys } from "./auth/signing-keys.ts";
import type { ApiConfig } from "./config.ts";
import { startEngine } from "./engine/start-engine.ts";
import { registerFeatures } from "./features/register-features.ts";
import { OpenStreams } from "./lines/open-streams.ts";
import { spareStreams } from "./lines/spare-streams.ts";
import { answerErrors, sendProblem } from "./plugins/errors.ts";
import { boundRequests } from "./plugins/bound-requests.ts";
import { closeLateIdlers } from "./plugins/close-late-idlers.ts";
import { describeSelf } from "./plugins/health.ts";
import { acceptJsonBodies, BODY_LIMIT_BYTES } from "./plugins/json-bodies.ts";
import { servePages } from "./plugins/pages.ts";
import { routeRegistrar } from "./register-route.ts";
import { createServices, type Services } from "./services.ts";
import { VERSION } from "./version.ts";

export type AppDependencies = {
  readonly config: ApiConfig;
  /** Open and migrated; whoever opened it closes it, after the app. */
  readonly database: Database;
  readonly signingKeys: SigningKeys;
  readonly logger: FastifyBaseLogger;
  /** The server's clock for tokens and waiting reasons; leases go by the database's. Default: the system's. */
  readonly now?: () => Date;
  /** Parse every answer with its schema. Default false; tests turn it on. */
  readonly checkResponses?: boolean;
  /** Run the engine's loops (sweep, late marker, claim poll). Default true. */
  readonly runEngine?: boolean;
  readonly cutOff?: CutOff;
};

/** When a connection is cut, in milliseconds. */
export type CutOff = {
  /** A request that has not arrived whole by then; streams are spared. Default five minutes. */
  readonly requestMs?: number;
  /** A connection over which nothing moves for so long. Default two minutes; held polls say something after 25 seconds at most. */
  readonly silenceMs?: number;
};

/** Assembles the API. It never listens: `listen` or `inject` do that. */
export async function buildApp(dependencies: AppDependencies): Promise<FastifyInstance> {
  const { config, database, logger, now = () => new Date(), checkResponses = false } = dependencies;
  const app = createServer(logger, dependencies.cutOff);
  const standing = new Standing(database, now);
  const authenticator = new Authenticator({
    keys: dependencies.signingKeys,
    nowMs: () => now().getTime(),
    isStanding: (principal, urgency) => standing.of(principal, urgency),
  });
  const services = createServices({
    config,
    database,
    authenticator,
    now,
    log: logger,
    signingKeys: dependencies.signingKeys,
  });
  acceptJsonBodies(app);
  boundRequests(app, config.requestMegabytes * 1024 * 1024);
  answerErrors(app);
  closeLateIdlers(app);
  const streams = new OpenStreams();
  spareStreams(app, streams);
  app.addHook("preClose", async () => streams.close());
  logAnswers(app);
  app.decorateRequest("principal", undefined);
  const authenticate = (request: FastifyRequest): Promise<Principal> =>
    authenticator.authenticate(request.headers.authorization);
  const recognise = (request: FastifyRequest): Principal | undefined =>
    authenticator.recognise(request.headers.authorization);
  const checkOf = (principal: Principal) => authenticator.checkOf(principal);
  registerFeatures(
    routeRegistrar(app, { authenticate, recognise, checkOf, checkResponses, streams }),
    services,
  );
  describeSelf(app, { database, version: VERSION });
  await servePages(app, config.dashboardDir);
  runEngineWith(app, services, dependencies.runEngine ?? true);
  return app;
}

function createServer(
  logger: FastifyBaseLogger,
  { requestMs = 300_000, silenceMs = 120_000 }: CutOff = {},
): FastifyInstance {
  return fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    frameworkErrors: (error, request, reply) => void sendProblem(error, request, reply),
    bodyLimit: BODY_LIMIT_BYTES,
    genReqId: () => randomUUID(),
    forceCloseConnections: "idle",
    // While stopping, what still comes in over open connections is served: Fastify's own 503 is not a `Problem`, so
    // callers would not know that trying again helps.
    return503OnClosing: false,
    // Longer than the idle limit of common proxies, so that they close first and no request is lost on a dying socket.
    keepAliveTimeout: 75_000,
    connectionTimeout: silenceMs,
    requestTimeout: requestMs,
    // Node's own proportions.
    http: { headersTimeout: requestMs / 5, connectionsCheckingInterval: requestMs / 10 },
    routerOptions: { maxParamLength: 300 },
  });
}

// The route's pattern, not the address that was asked: that could hold anything.
function logAnswers(app: FastifyInstance): void {
  if (!["debug", "trace"].includes(app.log.level)) return;
  app.addHook("onResponse", async (request, reply) => {
    const { method, routeOptions, log } = request;
    log.debug(
      {
        method,
        route: routeOptions.url,
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime),
      },
      "answered",
    );
  });
}

function runEngineWith(app: FastifyInstance, services: Services, isOn: boolean): void {
  // Held polls are answered before the server waits for open requests, or it would wait for them.
  app.addHook("preClose", () => services.claims.close());
  app.addHook("preClose", () => services.logWaits.close());
  app.addHook("onClose", () => services.news.close());
  if (!isOn) return;
  const engine = startEngine(services);
  app.addHook("onClose", () => engine.stop());
}
