import type { Client } from "@downbeat/client";
import { isTerminal, type RunStateRecord } from "@downbeat/contract";
import { setTimeout as delay } from "node:timers/promises";

const FIRST_PAUSE_MS = 150;
const LONGEST_PAUSE_MS = 1000;

export type FollowOptions = {
  readonly signal: AbortSignal;
  readonly onState: (record: RunStateRecord) => void;
};

/** Hands over each state of a run once, old ones first, until the run is terminal; returns that last state. */
export async function followStates(
  client: Client,
  runId: string,
  options: FollowOptions,
): Promise<RunStateRecord> {
  const { signal, onState } = options;
  let seen = -1;
  let pauseMs = FIRST_PAUSE_MS;
  for (;;) {
    const { items } = await client.call("listRunStates", { params: { runId } }, { signal });
    for (const record of items.filter((item) => item.sequence > seen)) {
      seen = record.sequence;
      pauseMs = FIRST_PAUSE_MS;
      onState(record);
    }
    const last = items.at(-1);
    if (last !== undefined && isTerminal(last.type)) return last;
    await delay(pauseMs, undefined, { signal });
    pauseMs = Math.min(pauseMs * 1.5, LONGEST_PAUSE_MS);
  }
}
