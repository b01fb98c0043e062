import { DownbeatError, isDownbeatError } from "@downbeat/contract/errors";
import type { ReportAnswer, ReportItem, StandaloneAnswer } from "@downbeat/contract";
import { uuidv7 } from "uuidv7";
import { RunCancelled } from "../errors.ts";
import { shownKey } from "../artifacts/shown.ts";
import type { FlowOutcome, RunEvent, RunHost, ShownEvent } from "../run-host.ts";
import type { Recorder } from "./recorder.ts";
import type { ReportItems } from "./report-items.ts";
import { warnOnce } from "./warn-once.ts";

const MOST_WAITING_EVENTS = 20_000;
// Of the largest sealed size these stay together under the API's body limit of 8 MiB.
const BATCH_EVENTS = 48;
const BATCH_SHOWN = 3;
const GATHER_MS = 200;
/** How long a flow call waits for an answer until its end is recorded, so that a `process.exit()` after it leaves no open run. */
const END_GRACE_MS = 3_000;
/** How long the process stays for what is still unsent, while the plane answers and when it does not. */
const DELIVERY_GRACE_MS = { answering: 10_000, silent: 2_000 };
const LONGEST_BACKOFF_MS = 10_000;
const HURRIED_BACKOFF_MS = 250;
const NOT_RECORDED = "this run is not recorded";

type StandaloneOptions = {
  readonly recorder: Promise<Recorder>;
  readonly flowName: string;
  readonly parameters: unknown;
  /** Whether its log is deflated before it is sealed. */
  readonly compressLogs: boolean;
};

/**
 * Records one flow run of a plain script, beside it: events wait in bounded memory and are sent as the plane answers.
 * Nothing here throws into the script or holds it up, but for {@link finish}.
 */
export class StandaloneRun {
  readonly host: RunHost;
  readonly #options: StandaloneOptions;
  readonly #controller = new AbortController();
  readonly #givenUp = new AbortController();
  readonly #waiting: RunEvent[] = [];
  /** What the run shows and has not been sent, in its newest version. */
  readonly #shown = new Map<string, ShownEvent>();
  readonly #ended: Promise<void>;
  #dropped = 0;
  #droppedLines = 0;
  #outcome: FlowOutcome | undefined;
  #wake: () => void = () => {};
  #answers = 0;
  #markStalled: () => void = () => {};
  #markRecorded: (runId: string | undefined) => void = () => {};
  /** Resolves at the first call that gets no answer. */
  readonly #stalled = new Promise<void>((resolve) => {
    this.#markStalled = resolve;
  });
  // Shared by all runs of the process: one call without an answer is enough to stop waiting at the end of each flow.
  static #planeAnswers = true;

  constructor(options: StandaloneOptions) {
    this.#options = options;
    const { flowName } = options;
    this.host = {
      // The plane names the run when it opens it; the script runs already. Locally it goes by an id of its own.
      run: { runId: uuidv7(), epoch: 0, flowName, attempt: 1 },
      event: (event) => this.#take(event),
      signal: this.#controller.signal,
      recordedRunId: new Promise((resolve) => {
        this.#markRecorded = resolve;
      }),
    };
    this.#ended = this.#record()
      .catch((error: unknown) => warnOnce(NOT_RECORDED, error))
      .finally(() => this.#markRecorded(undefined));
  }

  /** Resolves when the end is recorded; after three seconds without an answer or ten in all, and at once when the plane does not answer. */
  async finish(outcome: FlowOutcome): Promise<void> {
    this.#outcome = outcome;
    this.#wake();
    const isAnswering = StandaloneRun.#planeAnswers;
    const graceMs = DELIVERY_GRACE_MS[isAnswering ? "answering" : "silent"];
    const giveUp = setTimeout(() => void this.#giveUp(), graceMs);
    void this.#ended.finally(() => clearTimeout(giveUp));
    if (isAnswering) await this.#endedSoon();
  }

  // Until the delivery is given up, as long as the plane goes on answering.
  async #endedSoon(): Promise<void> {
    let answersBefore: number;
    do {
      answersBefore = this.#answers;
      if (await this.#endsWithin(END_GRACE_MS)) return;
    } while (this.#answers > answersBefore);
    StandaloneRun.#planeAnswers = false;
  }

  async #endsWithin(graceMs: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<"late">((resolve) => {
      timer = setTimeout(() => resolve("late"), graceMs);
    });
    const first = await Promise.race([this.#ended, this.#stalled, late]);
    clearTimeout(timer);
    return first !== "late";
  }

  async #giveUp(): Promise<void> {
    this.#givenUp.abort(
      new DownbeatError("unreachable", { message: "the plane did not answer in time" }),
    );
    this.#wake();
    (await this.#options.recorder).hangUp();
  }

  #take(event: RunEvent): void {
    if (event.kind === "artifact" || event.kind === "metric") {
      this.#shown.set(shownKey(event), event);
      return;
    }
    if (this.#waiting.length < MOST_WAITING_EVENTS) {
      this.#waiting.push(event);
      return;
    }
    this.#dropped += 1;
    if (event.kind === "log") this.#droppedLines += 1;
  }

  async #record(): Promise<void> {
    const recorder = await this.#options.recorder;
    const lease = await this.#open(recorder);
    this.#markRecorded(lease.runId);
    const beat = this.#startBeating(recorder, lease);
    try {
      const { compressLogs } = this.#options;
      const items = recorder.itemsFor({ lease, compressLogs });
      while (this.#outcome === undefined || this.#waiting.length + this.#shown.size > 0) {
        const events = this.#nextBatch();
        if (events.length === 0) await this.#pause(GATHER_MS);
        else await this.#report(recorder, await items.of(events));
      }
      await this.#report(recorder, [
        ...(await this.#lossOf(items)),
        ...(await items.end(this.#outcome)),
      ]);
      const { sessionId } = lease;
      await this.#insist((call) =>
        recorder.client.call("release", { body: { sessionId, runs: [], endSession: true } }, call),
      );
    } finally {
      clearInterval(beat);
    }
  }

  #nextBatch(): RunEvent[] {
    const shown = [...this.#shown].slice(0, BATCH_SHOWN);
    for (const [key] of shown) this.#shown.delete(key);
    return [...this.#waiting.splice(0, BATCH_EVENTS), ...shown.map(([, event]) => event)];
  }

  async #open({ client, sealer }: Recorder): Promise<StandaloneAnswer> {
    const { flowName } = this.#options;
    const parameters = await sealer.sealParameters(
      { kind: "parameters", dep: flowName },
      this.#options.parameters,
    );
    const body = { flowName, parameters, dataKeys: [...sealer.dataKeys] };
    return this.#insist((call) => client.call("openStandaloneRun", { body }, call));
  }

  async #report({ client }: Recorder, items: ReportItem[]): Promise<void> {
    if (items.length === 0) return;
    const { outcomes } = await this.#insist((call) =>
      client.call("report", { body: { items } }, call),
    );
    if (outcomes.some(isRefusal)) {
      throw new DownbeatError("fenced", {
        message: "the plane has closed this run; what it does now is not recorded",
      });
    }
  }

  async #lossOf(items: ReportItems): Promise<ReportItem[]> {
    if (this.#dropped === 0) return [];
    const text = `${this.#dropped} events of this run were not recorded: the plane was away for too long`;
    const at = new Date().toISOString();
    items.leaveOut(this.#droppedLines);
    return items.of([{ kind: "log", at, level: "warn", logger: this.#options.flowName, text }]);
  }

  #startBeating({ client }: Recorder, lease: StandaloneAnswer): NodeJS.Timeout {
    const { sessionId, runId, epoch, intervals } = lease;
    let tick = 0;
    const beat = async () => {
      tick += 1;
      const answer = await client.call("heartbeat", {
        body: { sessionId, tick, runs: [{ runId, epoch }] },
      });
      const flow = `flow "${this.#options.flowName}"`;
      if (answer.cancel.includes(runId)) this.#controller.abort(new RunCancelled(flow));
    };
    const everyMs = intervals.heartbeatSeconds * 1_000;
    // A beat that fails is followed by another; a report says the same, louder.
    return setInterval(() => void beat().catch(() => {}), everyMs).unref();
  }

  /** Sends until the plane answers; gives up on an answer that will not change, and when the time is over. */
  async #insist<T>(send: (call: { signal: AbortSignal }) => Promise<T>): Promise<T> {
    for (let backoffMs = 250; ; backoffMs = Math.min(backoffMs * 2, LONGEST_BACKOFF_MS)) {
      try {
        const answer = await send({ signal: this.#givenUp.signal });
        this.#answers += 1;
        StandaloneRun.#planeAnswers = true;
        return answer;
      } catch (error) {
        if (!isDownbeatError(error) || !error.retryable || this.#givenUp.signal.aborted)
          throw error;
        StandaloneRun.#planeAnswers = false;
        this.#markStalled();
        warnOnce("runs are recorded when the plane answers again", error);
        await this.#pause(this.#outcome === undefined ? backoffMs : HURRIED_BACKOFF_MS);
        this.#givenUp.signal.throwIfAborted();
      }
    }
  }

  /** Waits without keeping the process alive; {@link finish} ends the wait. */
  #pause(mostMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, mostMs).unref();
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

function isRefusal({ status }: ReportAnswer["outcomes"][number]): boolean {
  return status === "fenced" || status === "abort";
}
