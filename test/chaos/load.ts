import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { Client } from "@downbeat/client";
import { isDownbeatError } from "@downbeat/contract";

export type LoadOptions = {
  readonly clients: readonly Client[];
  readonly flowName: string;
  readonly runs: number;
  /** Pause of each caller between two triggers. Default 0. */
  readonly paceMs?: number;
};

/** What the callers know. */
export type Triggered = {
  /** Ids answered with success. */
  readonly acknowledged: readonly string[];
  /** Calls repeated with the same idempotency key, by error code. */
  readonly retries: Readonly<Record<string, number>>;
};

const LONGEST_PAUSE_MS = 500;
const GIVE_UP_MS = 120_000;

/** Triggers so many runs; each call is repeated with its idempotency key until it is answered. */
export async function triggerRuns(options: LoadOptions): Promise<Triggered> {
  const { clients, runs, paceMs = 0 } = options;
  const acknowledged: string[] = [];
  const retries: Record<string, number> = {};
  let begun = 0;
  const caller = async (client: Client): Promise<void> => {
    while (begun < runs) {
      begun += 1;
      acknowledged.push(await triggerOne(client, options.flowName, retries));
      if (paceMs > 0) await pause(paceMs);
    }
  };
  await Promise.all(clients.map(caller));
  return { acknowledged, retries };
}

async function triggerOne(
  client: Client,
  flowName: string,
  retries: Record<string, number>,
): Promise<string> {
  const body = { flowName, idempotencyKey: randomUUID() };
  const givenUpAtMs = performance.now() + GIVE_UP_MS;
  for (let tries = 1; ; tries += 1) {
    try {
      return (await client.call("createRun", { body })).id;
    } catch (error) {
      // Anything that is not retryable is a fault of the plane: it must not become a refusal of a good request.
      if (!isDownbeatError(error) || !error.retryable || performance.now() > givenUpAtMs)
        throw error;
      retries[error.code] = (retries[error.code] ?? 0) + 1;
      await pause(Math.min(LONGEST_PAUSE_MS, 20 * 2 ** tries));
    }
  }
}
