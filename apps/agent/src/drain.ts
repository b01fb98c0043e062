import { BATCH_LIMIT, type Lease } from "@downbeat/contract";
import type { Caller } from "@downbeat/client";
import { pause } from "@downbeat/sdk/protocol";
import type { Logger } from "pino";
import type { Session } from "./session.ts";

export type ReleaseOptions = {
  readonly client: Pick<Caller, "call">;
  readonly session: Session;
  readonly logger: Logger;
};

const RELEASE_TIMEOUT_MS = 5_000;

/** Gives back leases that have not begun, so that another agent can take them at once; best effort, else they lapse. */
export async function release(
  { client, session, logger }: ReleaseOptions,
  leases: readonly Lease[],
  endSession: boolean,
): Promise<void> {
  const fences = leases.map(({ runId, epoch, leaseToken }) => ({ runId, epoch, leaseToken }));
  do {
    const runs = fences.splice(0, BATCH_LIMIT);
    const isLast = fences.length === 0;
    const body = { sessionId: session.id, runs, endSession: endSession && isLast };
    try {
      await client.call("release", { body }, { signal: AbortSignal.timeout(RELEASE_TIMEOUT_MS) });
    } catch (error) {
      logger.warn(
        { err: error, runs: runs.length },
        "leases could not be given back; they will lapse",
      );
    }
  } while (fences.length > 0);
}

/** Resolves true when the condition holds, false when the time is up or the signal aborts. */
export async function holdsWithin(
  condition: () => boolean,
  limitMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  const untilMs = performance.now() + limitMs;
  while (!condition()) {
    if (signal.aborted || performance.now() >= untilMs) return false;
    await pause(50, signal);
  }
  return true;
}
