import { DownbeatError, STATE_REASONS, type RunStateRecord } from "@downbeat/contract";
import type { CliContext } from "../context.ts";
import { parseDurationMs } from "../duration.ts";
import { Interrupted, interruptSignal } from "../interrupt.ts";
import { stateLine } from "../state-words.ts";
import { durationWords } from "../time-words.ts";
import { followStates } from "./follow-states.ts";

export type WatchOptions = {
  /** A duration such as "5m"; without it the watch lasts as long as the run. */
  readonly timeout?: string | undefined;
  /** "completed" makes every other end an error. */
  readonly expect: "completed" | "any";
  /** Prints nothing, only waits. */
  readonly silent?: boolean;
};

// Longer delays overflow Node's timers, which would then fire at once.
const LONGEST_DELAY_MS = 2_147_483_647;

/**
 * Prints a run's states as they come, until it is over.
 *
 * @throws {DownbeatError} `run_failed` when it ended otherwise than asked, `wait_timed_out`
 * @throws {Interrupted} on Ctrl-C; the run goes on
 */
export async function watchRun(
  context: CliContext,
  runId: string,
  options: WatchOptions,
): Promise<RunStateRecord> {
  const { client } = await context.connect();
  const { output } = context;
  const interrupt = interruptSignal();
  const limit =
    options.timeout === undefined
      ? undefined
      : AbortSignal.timeout(Math.min(parseDurationMs(options.timeout), LONGEST_DELAY_MS));
  const signal = limit === undefined ? interrupt : AbortSignal.any([interrupt, limit]);
  const onState = (record: RunStateRecord): void => {
    if (options.silent !== true) output.event(record, stateLine(output.colors, record));
  };
  const last = await followStates(client, runId, { signal, onState }).catch((error: unknown) => {
    throw whyItEnded(error, {
      runId,
      interrupted: interrupt.aborted,
      timedOut: limit?.aborted === true,
      ...options,
    });
  });
  if (options.expect === "completed" && last.type !== "COMPLETED") throw runFailed(runId, last);
  return last;
}

type Ending = {
  runId: string;
  interrupted: boolean;
  timedOut: boolean;
  timeout?: string | undefined;
};

function whyItEnded(error: unknown, { runId, interrupted, timedOut, timeout }: Ending): unknown {
  if (interrupted) return new Interrupted();
  if (!timedOut) return error;
  return new DownbeatError("wait_timed_out", {
    message: `Run ${runId} was not over within ${durationWords(parseDurationMs(timeout ?? "0"))}; it goes on.`,
  });
}

function runFailed(runId: string, { name, reason, error }: RunStateRecord): DownbeatError {
  const what = error === null ? "" : ` (${error.class})`;
  return new DownbeatError("run_failed", {
    message: `Run ${runId} ended ${name}${what}: ${STATE_REASONS[reason]}`,
  });
}
