import type { Client } from "@downbeat/client";
import { uuidv7 } from "uuidv7";
import { insist } from "../remote/insist.ts";
import type { SlotRequest } from "../run-host.ts";
import type { Fence } from "../session/item-sealer.ts";
import { warnOnce } from "../standalone/warn-once.ts";
import { sleep, systemTimers } from "../timers.ts";

const RELEASE_MS = 60_000;

type Holder = {
  readonly client: Pick<Client, "call">;
  readonly lease: Fence;
};

/**
 * Takes a slot of each limit that is named, or whose tag is, for a task, waiting as long as it takes, also while the plane
 * is away: it counts. Resolves with what gives them back; with the end of the run the plane frees them by itself.
 *
 * @throws the signal's reason when it aborts first; DownbeatError when the run is no longer held here
 */
export async function takeSlots(
  { client, lease: { runId, epoch, leaseToken } }: Holder,
  { taskRunId, limitNames, tags }: SlotRequest,
  signal: AbortSignal | undefined,
): Promise<() => void> {
  const fence = { runId, epoch, leaseToken };
  const requestId = uuidv7();
  const body = { ...fence, requestId, taskRunId, limitNames: [...limitNames], tags: [...tags] };
  const release = (): void => {
    const call = () => client.call("releaseSlots", { body: { ...fence, requestIds: [requestId] } });
    insist(call, { forMs: RELEASE_MS }).catch((error: unknown) =>
      warnOnce("slots of a limit are held until the run ends", error),
    );
  };
  try {
    for (;;) {
      const ask = () => client.call("acquireSlots", { body }, { signal });
      const { granted, waitSeconds, unknown } = await insist(ask, { forMs: Infinity, signal });
      for (const name of unknown)
        warnOnce(`no limit "${name}" exists`, `make it with: downbeat limit set "${name}"`);
      if (granted) return release;
      // Not all at the same moment: tasks that were refused together would ask together again.
      const waitMs = (waitSeconds ?? 1) * 1_000 * (1 + Math.random() / 4);
      await sleep(systemTimers, waitMs, signal);
    }
  } catch (error) {
    release(); // what was asked for last may have been granted
    signal?.throwIfAborted();
    throw error;
  }
}
