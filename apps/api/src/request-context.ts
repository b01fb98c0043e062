import type { FastifyBaseLogger } from "fastify";
import type { Principal } from "./auth/principal.ts";
import type { Happening } from "./happening.ts";

/** Who asks, where, and whether they still listen. Everything a handler does happens inside `workspaceId`. */
export type RequestContext = {
  readonly principal: Principal;
  readonly workspaceId: string;
  readonly requestId: string;
  /** Happens when the caller hangs up before the answer was written. */
  readonly hungUp: Happening;
  /** Ids only: never bodies, names or sealed text. */
  readonly log: FastifyBaseLogger;
};
