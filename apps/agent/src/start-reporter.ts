import { setImmediate as nextTurn } from "node:timers/promises";
import type { Caller } from "@downbeat/client";
import {
  BATCH_LIMIT,
  type Lease,
  type ReportOutcome,
  type TransitionItem,
} from "@downbeat/contract";
import { pause, runningItem } from "@downbeat/sdk/protocol";
import type { Logger } from "pino";
import type { PlaneWatch } from "./plane-watch.ts";
import { retrying } from "./retrying.ts";

export type StartReporterOptions = {
  readonly client: Pick<Caller, "call">;
  readonly logger: Logger;
  readonly watch: PlaneWatch;
  readonly signal: AbortSignal;
  /** How long starts may gather before they are announced, in milliseconds; 0 while a process waits for one. */
  readonly gatheringMs: () => number;
};

type Asked = { readonly item: TransitionItem; readonly answer: (outcome: ReportOutcome) => void };

const UNANSWERED: ReportOutcome = { status: "abort", state: null, waitSeconds: null };

/**
 * Announces runs as RUNNING and says what the plane answered: user code starts only after it agreed. Not through the
 * outbox, since a start that could not be announced is no fact to keep.
 */
export class StartReporter {
  readonly #options: StartReporterOptions;
  readonly #asked: Asked[] = [];
  /** While one batch is under way the next fills up. */
  #isBusy = false;
  #endGathering: () => void = () => {};

  constructor(options: StartReporterOptions) {
    this.#options = options;
  }

  /** Resolves with the plane's answer, however long it is away; with `abort` when the agent stops first. */
  async announce(lease: Lease): Promise<ReportOutcome> {
    const item = runningItem(lease);
    for (;;) {
      const outcome = await new Promise<ReportOutcome>((answer) => this.#ask({ item, answer }));
      if (outcome.status !== "wait") return outcome;
      await pause((outcome.waitSeconds ?? 1) * 1000, this.#options.signal);
    }
  }

  /** Announces what has gathered so far: a process is about to wait for it. */
  hurry(): void {
    this.#endGathering();
  }

  #ask(asked: Asked): void {
    this.#asked.push(asked);
    if (this.#isBusy) return;
    this.#isBusy = true;
    void this.#send();
  }

  async #send(): Promise<void> {
    while (this.#asked.length > 0) {
      await this.#gather();
      await this.#sendBatch(this.#asked.splice(0, BATCH_LIMIT));
    }
    this.#isBusy = false;
  }

  async #gather(): Promise<void> {
    const lingerMs = this.#options.gatheringMs();
    // One turn of the loop gathers what was claimed together.
    if (lingerMs === 0) return nextTurn();
    const ending = new AbortController();
    this.#endGathering = () => ending.abort();
    await pause(lingerMs, AbortSignal.any([ending.signal, this.#options.signal]));
  }

  async #sendBatch(batch: readonly Asked[]): Promise<void> {
    const { client, logger, watch, signal } = this.#options;
    const items = batch.map(({ item }) => item);
    try {
      const report = () => client.call("report", { body: { items } }, { signal });
      const { outcomes } = await retrying(report, {
        watch,
        failure: "runs cannot be announced; they wait",
        signal,
      });
      batch.forEach(({ answer }, at) => answer(outcomes[at] ?? UNANSWERED));
    } catch (error) {
      if (!signal.aborted)
        logger.error({ err: error, runs: batch.length }, "the plane refused to let runs start");
      for (const { answer } of batch) answer(UNANSWERED);
    }
  }
}
