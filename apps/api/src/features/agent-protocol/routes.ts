import { ROUTES } from "@downbeat/contract";
import type { RegisterRoute } from "../../register-route.ts";
import type { Services } from "../../services.ts";
import { claimAndBeat } from "./claim-and-beat.ts";
import { enrol } from "./enrol.ts";
import { HeartbeatDesk } from "./heartbeat.ts";
import { openAgentSession } from "./open-session.ts";
import { openStandaloneRun } from "./open-standalone-run.ts";
import { release } from "./release.ts";
import { Reporter } from "./report.ts";

export function agentProtocolRoutes(register: RegisterRoute, services: Services): void {
  const reporter = new Reporter(services);
  const heartbeats = new HeartbeatDesk(services);
  register(ROUTES.enrolAgent, ({ body }) => enrol(services, body));
  register(ROUTES.openSession, ({ ctx, body }) => openAgentSession(services, ctx, body));
  register(ROUTES.claim, ({ ctx, body }) => claimAndBeat({ services, heartbeats }, ctx, body));
  register(ROUTES.report, ({ ctx, body }) => reporter.report(ctx, body.items));
  register(ROUTES.heartbeat, ({ ctx, body }) => heartbeats.beat(ctx, body));
  register(ROUTES.release, ({ ctx, body }) => release(services, ctx, body));
  register(ROUTES.openStandaloneRun, ({ ctx, body }) => openStandaloneRun(services, ctx, body));
}
