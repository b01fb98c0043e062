import type { Client } from "@downbeat/client";
import { traceOfParameters, type Lease, type RunInput } from "@downbeat/contract";
import { RunCancelled, RunLost, TimeoutError } from "../errors.ts";
import type { FlowDefinition } from "../flow-definition.ts";
import type { FlowOutcome, RunHost } from "../run-host.ts";
import { warnOnce } from "../standalone/warn-once.ts";
import { LONGEST_DELAY_MS } from "../timers.ts";
import { AwaitedInput } from "../session/awaited-input.ts";
import { screenInputs, type SignedInputs } from "../session/signed-inputs.ts";
import { PauseDesk } from "../worker/pause-desk.ts";
import type { PausePoint } from "../pause-point.ts";
import { openInput, openStart, type OpenedStart } from "./open-start.ts";
import type { ReportQueue } from "./report-queue.ts";
import { RunReports } from "./run-reports.ts";
import type { ServeKeys } from "./serve-keys.ts";
import {
  CANCELLED,
  LEFT,
  notServed,
  timedOut,
  unreadable,
  type ServedEnding,
} from "./served-ending.ts";
import { takeSlots } from "./take-slots.ts";

export type ServedRunParts = {
  readonly client: Pick<Client, "call">;
  readonly keys: ServeKeys;
  readonly reports: ReportQueue;
  /** Undefined when this process has no such flow. */
  readonly definition: FlowDefinition | undefined;
  /** Undefined: whatever a pause point is given counts. */
  readonly signedInputs: SignedInputs | undefined;
};

/** One leased run in this process: announced first, executed, reported to its end. */
export class ServedRun {
  readonly lease: Lease;
  readonly #parts: ServedRunParts;
  readonly #reports: RunReports;
  readonly #controller = new AbortController();
  #hasBegun = false;
  #isVoid = false;
  #isOverdue = false;
  readonly #awaited: AwaitedInput<PausePoint>;
  #pauses: PauseDesk | undefined;
  #lapsed: readonly string[] = [];
  /** Ends the run whatever its code still does. */
  #interrupt: (ending: ServedEnding) => void = () => {};

  constructor(lease: Lease, parts: ServedRunParts) {
    this.lease = lease;
    this.#parts = parts;
    this.#reports = new RunReports({
      ...parts,
      lease,
      compressLogs: parts.definition?.compressLogs ?? true,
      onFenced: () => this.fence(),
    });
    this.#awaited = new AwaitedInput({
      runId: lease.runId,
      signedInputs: parts.signedInputs,
      report: (point, reason) => this.#reports.paused(point, reason),
      tell: (text) => this.#tell(text),
    });
  }

  /** The key of the pause point at which it waits. */
  get awaits(): string | undefined {
    return this.#awaited.key;
  }

  /** Someone gave what it waits for. */
  async resume(given: RunInput): Promise<void> {
    if (!(await this.#awaited.take(given))) return;
    const { key, input } = given;
    const { signal } = this.#controller;
    try {
      const sealed = { run: this.lease.runId, key, input, signal };
      this.#pauses?.resume(key, await openInput(this.#parts.keys, sealed));
    } catch (error) {
      if (!signal.aborted) this.#interrupt(unreadable(error));
    }
  }

  #tell(text: string): void {
    const at = new Date().toISOString();
    this.#reports.take({ kind: "log", at, level: "warn", logger: "downbeat", text });
  }

  /** Asks the flow to stop. Code that does not heed its signal runs on: it cannot be stopped in this process. */
  cancel(): void {
    this.#controller.abort(new RunCancelled(`flow "${this.lease.flowName}"`));
  }

  /** The lease is void: stops as far as that goes, and says nothing more. */
  fence(): void {
    this.#isVoid = true;
    this.#reports.abandon();
    this.#lose();
  }

  /** The process stops before the run has ended: reports it as crashed, and calls the hooks that hear of that. */
  async leave(): Promise<void> {
    this.#isVoid = true; // what its code still does counts no more
    const { crashed } = this.#parts.definition ?? {};
    this.#reports.crash(LEFT);
    await crashed?.(LEFT, this.#hostOfHooks());
    await this.#reports.endLog();
    this.#lose();
  }

  /** Gives up a run that has not begun, because its lease is given back. False when it is too late for that. */
  release(): boolean {
    if (this.#hasBegun || this.#controller.signal.aborted) return false;
    this.fence();
    return true;
  }

  /** Lives the run to its end. Never rejects: whatever happens becomes a report. */
  async live(): Promise<void> {
    try {
      const ending = await this.#untilEnd();
      if (ending !== undefined && !this.#isVoid)
        await this.#reports.end(ending.outcome, ending.reason);
    } catch (error) {
      // Nothing above is expected to throw; if it does, the plane finds that nobody holds the run any more.
      warnOnce("the end of a run could not be reported", error);
    } finally {
      this.#lose(); // what a suspended flow has left behind
    }
  }

  #lose(): void {
    this.#controller.abort(new RunLost(`flow "${this.lease.flowName}"`));
  }

  /** Undefined when the lease came to nothing. */
  async #untilEnd(): Promise<ServedEnding | undefined> {
    const { definition, keys, signedInputs } = this.#parts;
    const { signal } = this.#controller;
    if (definition === undefined || this.lease.exclusive) return notServed(this.lease);
    let start: OpenedStart;
    try {
      const screened = await screenInputs(signedInputs, this.lease);
      start = await openStart(keys, { ...this.lease, inputs: [...screened.counted] }, signal);
      this.#lapsed = screened.lapsed.map(({ key }) => key);
      this.#awaited.screened(screened);
    } catch (error) {
      return signal.aborted ? CANCELLED : unreadable(error);
    }
    if (signal.aborted) return CANCELLED;
    this.#hasBegun = true;
    const answer = await this.#reports.announce();
    if (answer?.state?.type === "CANCELLING") return CANCELLED;
    if (answer?.status !== "accepted" || this.#isVoid) return undefined;
    return signal.aborted ? CANCELLED : this.#execute(definition, start);
  }

  async #execute(
    definition: FlowDefinition,
    { parameters, inputs }: OpenedStart,
  ): Promise<ServedEnding> {
    const { timeoutSeconds } = this.lease;
    const limit = timeoutSeconds === null ? undefined : this.#limit(timeoutSeconds);
    const ending = await new Promise<ServedEnding>((resolve) => {
      this.#interrupt = resolve;
      const host = this.#host(this.#pauseDesk(inputs));
      void definition.execute(parameters, host).then((outcome) => resolve(this.#endingOf(outcome)));
    });
    clearTimeout(limit);
    const isLeft = ending.outcome.outcome === "suspended" && this.#controller.signal.aborted;
    return isLeft ? CANCELLED : ending;
  }

  #pauseDesk(inputs: OpenedStart["inputs"]): PauseDesk {
    this.#pauses = new PauseDesk({
      inputs,
      keepAlive: { hold: () => () => {} }, // the session keeps this process
      paused: (point) => this.#awaited.paused(point),
      suspended: (pause) =>
        this.#interrupt({
          outcome: { outcome: "suspended", pause, abandoned: true },
          reason: this.#awaited.reasonAt(pause.key, "suspend_requested"),
        }),
    });
    return this.#pauses;
  }

  #endingOf(outcome: FlowOutcome): ServedEnding {
    const { timeoutSeconds } = this.lease;
    if (this.#isOverdue && outcome.outcome !== "completed") return timedOut(timeoutSeconds ?? 0);
    const isRefused = outcome.outcome === "failed" && outcome.error.class === "ParameterError";
    return { outcome, ...(isRefused && { reason: "parameters_invalid" }) };
  }

  #limit(timeoutSeconds: number): NodeJS.Timeout {
    const overdue = (): void => {
      const { signal } = this.#controller;
      this.#isOverdue = !signal.aborted;
      const { flowName, epoch } = this.lease;
      const limitMs = timeoutSeconds * 1_000;
      this.#controller.abort(new TimeoutError(`flow "${flowName}"`, limitMs, epoch));
    };
    return setTimeout(overdue, Math.min(timeoutSeconds * 1_000, LONGEST_DELAY_MS));
  }

  #host(pauses: PauseDesk): RunHost {
    const { signal } = this.#controller;
    const { client } = this.#parts;
    const traceparent = traceOfParameters(this.lease.parameters);
    return {
      ...this.#hostOfHooks(),
      event: (event) => {
        if (!this.#isVoid) this.#reports.take(event);
      },
      signal,
      inputs: pauses.inputs,
      lapsed: this.#lapsed,
      pause: (point, waitSignal) => pauses.pause(point, waitSignal ?? signal),
      suspend: (point) => pauses.suspend(point),
      limitedTags: this.lease.limitedTags,
      acquireSlots: (request, waitSignal) =>
        takeSlots({ client, lease: this.lease }, request, waitSignal),
      ...(traceparent !== undefined && { traceparent }),
    };
  }

  /** Of code that runs once the run has ended. */
  #hostOfHooks(): RunHost {
    const { runId, epoch, flowName, deploymentName, resultsFrom } = this.lease;
    return {
      run: {
        runId,
        epoch,
        flowName,
        attempt: Math.max(1, epoch),
        deployment: deploymentName,
        workspaceId: this.#parts.keys.workspaceId,
        resultsFrom,
      },
      event: (event) => this.#reports.take(event),
      signal: new AbortController().signal,
      recordedRunId: Promise.resolve(runId),
    };
  }
}
