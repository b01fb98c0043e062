import { setTimeout as pause } from "node:timers/promises";
import type { FastifyBaseLogger } from "fastify";

export type LoopOptions = {
  readonly name: string;
  readonly intervalMs: number;
  /** One round. What it throws is logged, and the next round comes all the same. */
  readonly round: (signal: AbortSignal) => Promise<void>;
  readonly log: FastifyBaseLogger;
};

/** A background loop. `stop` ends the pause at once and waits for the round that is under way. */
export type Loop = { readonly stop: () => Promise<void> };

/** Starts a loop; the first round comes after one interval. */
export function startLoop(options: LoopOptions): Loop {
  const stopping = new AbortController();
  const running = turn(options, stopping.signal);
  return {
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}

async function turn(
  { name, intervalMs, round, log }: LoopOptions,
  signal: AbortSignal,
): Promise<void> {
  while (await pauseUnlessStopped(intervalMs, signal)) {
    try {
      await round(signal);
    } catch (error) {
      log.error({ err: error, loop: name }, "a round of an engine loop failed");
    }
  }
}

async function pauseUnlessStopped(intervalMs: number, signal: AbortSignal): Promise<boolean> {
  try {
    await pause(intervalMs, undefined, { signal });
    return true;
  } catch {
    return false; // aborted: the loop is being stopped
  }
}
