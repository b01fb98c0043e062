import type { Intervals } from "@downbeat/contract";
import type { Database, NewsChannel } from "@downbeat/db";
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
  /** To the other processes on this database. */
  readonly news: NewsChannel;
  /** Leased runs as this process last wrote them. */
  readonly runMemory: RunMemory;
  /** Where log readers wait for a run's next chunk; the key is the run's id. */
  readonly logWaits: WaitList;
};

export function createServices(
  parts: Omit<Services, "intervals" | "claims" | "news" | "runMemory" | "logWaits">,
): Services {
  const { leaseSeconds, heartbeatSeconds, reconnectWindowSeconds, claimHoldSeconds } = parts.config;
  const claims = new ClaimDesk((text, count) => news.tell(text, count));
  const news = parts.database.openNews((text, count) => claims.hear(text, count));
  return {
    ...parts,
    intervals: { leaseSeconds, heartbeatSeconds, reconnectWindowSeconds, claimHoldSeconds },
    claims,
    news,
    runMemory: new RunMemory(),
    logWaits: new WaitList(),
  };
}
