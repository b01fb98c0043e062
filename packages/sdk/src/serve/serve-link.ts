import type { Client } from "@downbeat/client";
import type { Backoff } from "@downbeat/contract";
import { pause } from "../session/pause.ts";
import type { SessionLink } from "../session/session-link.ts";
import { warnOnce } from "../standalone/warn-once.ts";

// Shorter than an agent's: reports wait in memory here.
export const SERVE_BACKOFF: Backoff = { firstMs: 250, maxMs: 10_000 };

/** What the loops of a serving process share; of trouble with the plane it says one line. */
export function serveLink(
  client: Pick<Client, "call">,
  session: SessionLink["session"],
): SessionLink {
  const watch: SessionLink["watch"] = {
    reached: () => {},
    failed: (error) => warnOnce("the plane cannot be asked for work; trying again", error),
    pause,
  };
  return { client, session, watch };
}
