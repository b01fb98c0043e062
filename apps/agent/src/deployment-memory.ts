import { DownbeatError } from "@downbeat/contract";
import { z } from "zod";
import { instant } from "./instant.ts";
import type { Store } from "./store.ts";

const Newest = z.object({
  /** When it was signed, in seconds since 1970. */
  iat: z.number(),
  /** When this agent saw it first, in milliseconds since 1970. */
  seenAtMs: z.number(),
});
type Newest = z.infer<typeof Newest>;

// Leases that were claimed before a deployment was made anew may still be on their way.
const SUPERSEDED_GRACE_MS = 60_000;

/**
 * Remembers on disk when the newest statement about each deployment was signed, so that the plane cannot go back to an
 * older one, however genuine.
 */
export class DeploymentMemory {
  readonly #store: Store;
  readonly #now: () => Date;
  readonly #known = new Map<string, Newest>();

  constructor({ store, now }: { store: Store; now: () => Date }) {
    this.#store = store;
    this.#now = now;
  }

  /** @throws DownbeatError `signature_refused` when a later statement was seen more than a minute ago */
  async admit({ dep, iat }: { dep: string; iat: number }): Promise<void> {
    const onDisk = this.#known.has(dep) ? undefined : await this.#read(dep);
    const newest = this.#known.get(dep) ?? onDisk; // another lease may have come in the meantime
    const nowMs = this.#now().getTime();
    if (newest === undefined || iat > newest.iat) {
      const next = { iat, seenAtMs: nowMs };
      this.#known.set(dep, next);
      await this.#store.write([{ type: "put", key: keyOf(dep), value: JSON.stringify(next) }]);
    } else if (iat < newest.iat && nowMs - newest.seenAtMs > SUPERSEDED_GRACE_MS) {
      throw new DownbeatError("signature_refused", {
        message: `The deployment ${dep} was signed again since (${instant(newest.iat)}); what was signed ${instant(iat)} does not count any more. To go back to it, deploy it once more.`,
      });
    }
  }

  async #read(dep: string): Promise<Newest | undefined> {
    const text = await this.#store.get(keyOf(dep));
    return text === undefined ? undefined : Newest.parse(JSON.parse(text));
  }
}

function keyOf(dep: string): string {
  return `signed-deployment!${dep}`;
}
