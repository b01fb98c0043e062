import type { Client } from "@downbeat/client";
import type { Lease, StateReasonCode } from "@downbeat/contract";
import { isSealError } from "@downbeat/seal";
import { RunCancelled } from "../errors.ts";
import type { FlowDefinition } from "../flow-definition.ts";
import type { FlowOutcome, RunHost } from "../run-host.ts";
import { warnOnce } from "../standalone/warn-once.ts";
import { LONGEST_DELAY_MS } from "../timers.ts";
import { openParameters } from "./open-parameters.ts";
import type { ReportQueue } from "./report-queue.ts";
import { RunReports } from "./run-reports.ts";
import type { ServeKeys } from "./serve-keys.ts";
import { takeSlots } from "./take-slots.ts";

export type ServedRunParts = {
  readonly client: Pick<Client, "call">;
  readonly keys: ServeKeys;
  readonly reports: ReportQueue;
  /** Undefined when this process has no such flow. */
  readonly definition: FlowDefinition | undefined;
};

type Ending = { readonly outcome: FlowOutcome; readonly reason?: StateReasonCode };

const CANCELLED: Ending = { outcome: { outcome: "cancelled" } };

/** One leased run in this process: announced first, executed, reported to its end. */
export class ServedRun {
  readonly lease: Lease;
  readonly #parts: ServedRunParts;
  readonly #reports: RunReports;
  readonly #controller = new AbortController();
  #hasBegun = false;
  #isVoid = false;
  #isOverdue = false;

  constructor(lease: Lease, parts: ServedRunParts) {
    this.lease = lease;
    this.#parts = parts;
    this.#reports = new RunReports({ ...parts, lease, onFenced: () => this.fence() });
  }

  /** Asks the flow to stop. Code that does not heed its signal runs on: it cannot be stopped in this process. */
  cancel(): void {
    this.#controller.abort(new RunCancelled(`flow "${this.lease.flowName}"`));
  }

  /** The lease is void: stops as far as that goes, and says nothing more. */
  fence(): void {
    this.#isVoid = true;
    this.#reports.abandon();
    this.cancel();
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
    }
  }

  /** Undefined when the lease came to nothing. */
  async #untilEnd(): Promise<Ending | undefined> {
    const { definition, keys } = this.#parts;
    const { signal } = this.#controller;
    if (definition === undefined || this.lease.exclusive) return notServed(this.lease);
    let parameters: Record<string, unknown>;
    try {
      parameters = await openParameters(keys, this.lease, signal);
    } catch (error) {
      return signal.aborted ? CANCELLED : unreadable(error);
    }
    if (signal.aborted) return CANCELLED;
    this.#hasBegun = true;
    const answer = await this.#reports.announce();
    if (answer?.state?.type === "CANCELLING") return CANCELLED;
    if (answer?.status !== "accepted" || this.#isVoid) return undefined;
    return signal.aborted ? CANCELLED : this.#execute(definition, parameters);
  }

  async #execute(definition: FlowDefinition, parameters: unknown): Promise<Ending> {
    const { timeoutSeconds } = this.lease;
    const limit = timeoutSeconds === null ? undefined : this.#limit(timeoutSeconds);
    const outcome = await definition.execute(parameters, this.#host());
    clearTimeout(limit);
    if (this.#isOverdue && outcome.outcome !== "completed") return timedOut(timeoutSeconds ?? 0);
    const isRefused = outcome.outcome === "failed" && outcome.error.class === "ParameterError";
    return { outcome, ...(isRefused && { reason: "parameters_invalid" }) };
  }

  #limit(timeoutSeconds: number): NodeJS.Timeout {
    const overdue = (): void => {
      this.#isOverdue = !this.#controller.signal.aborted;
      this.cancel();
    };
    return setTimeout(overdue, Math.min(timeoutSeconds * 1_000, LONGEST_DELAY_MS));
  }

  #host(): RunHost {
    const { runId, epoch, flowName, deploymentName, resultsFrom } = this.lease;
    const { keys, client } = this.#parts;
    return {
      run: {
        runId,
        epoch,
        flowName,
        attempt: Math.max(1, epoch),
        deployment: deploymentName,
        workspaceId: keys.workspaceId,
        resultsFrom,
      },
      event: (event) => this.#reports.take(event),
      signal: this.#controller.signal,
      limitedTags: this.lease.limitedTags,
      acquireSlots: (request, signal) => takeSlots({ client, lease: this.lease }, request, signal),
      recordedRunId: Promise.resolve(runId),
    };
  }
}

function notServed({ flowName, deploymentName, exclusive }: Lease): Ending {
  const message = exclusive
    ? "An exclusive flow takes a process that can be killed; run it with an agent."
    : `This process serves no flow "${flowName}/${deploymentName}".`;
  return failedBefore("entrypoint_invalid", "EntrypointError", message);
}

function unreadable(error: unknown): Ending {
  const name = isSealError(error) ? "KeyError" : "ParameterError";
  return failedBefore("parameters_unreadable", name, String(error));
}

function timedOut(timeoutSeconds: number): Ending {
  const message = `The flow ran longer than its limit of ${timeoutSeconds} s and was stopped.`;
  const error = { class: "TimeoutError", message };
  return { outcome: { outcome: "failed", stateName: "TimedOut", error } };
}

/** An end of a run that never got as far as user code. */
function failedBefore(reason: StateReasonCode, name: string, message: string): Ending {
  const error = { class: name, message };
  return { outcome: { outcome: "failed", stateName: "Failed", error }, reason };
}
