import type { Intervals } from "@downbeat/contract";
import type { Database } from "@downbeat/db";
import type { FastifyBaseLogger } from "fastify";
import type { Authenticator } from "./auth/authenticator.ts";
import type { SigningKeys } from "./auth/signing-keys.ts";
import type { ApiConfig } from "./config.ts";
import { ClaimDesk } from "./engine/claim-desk.ts";
import { RunMemory } from "./engine/run-memory.ts";
import { WaitList } from "./wait-list.ts";

/** What handlers and engine loops work with. */
export type Services = {
  readonly config: ApiConfig;
  readonly database: Database;
  readonly authenticator: Authenticator;
  readonly signingKeys: SigningKeys;
  readonly log: FastifyBaseLogger;
  readonly now: () => Date;
  /** What agents are told about leases, beats and holds. */
  readonly intervals: Intervals;
  /** Where claims wait for work. */
  readonly claims: ClaimDesk;
  /** Leased runs as this process last wrote them. */
  readonly runMemory: RunMemory;
  /** Where log readers wait for a run's next chunk; the key is the run's id. */
  readonly logWaits: WaitList;
};

export function createServices(
  parts: Omit<Services, "intervals" | "claims" | "runMemory" | "logWaits">,
): Services {
  const { leaseSeconds, heartbeatSeconds, reconnectWindowSeconds, claimHoldSeconds } = parts.config;
  return {
    ...parts,
    intervals: { leaseSeconds, heartbeatSeconds, reconnectWindowSeconds, claimHoldSeconds },
    claims: new ClaimDesk(),
    runMemory: new RunMemory(),
    logWaits: new WaitList(),
  };
}
