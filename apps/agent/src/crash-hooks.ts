import type { ErrorDetail } from "@downbeat/contract";
import type { RunMessage } from "@downbeat/sdk/protocol";
import type { Logger } from "pino";
import type { CrashCall } from "./crash-call.ts";
import type { RunEgress } from "./egress.ts";
import type { Launcher } from "./launchers/launcher.ts";
import type { WorkerProcess } from "./launchers/worker-process.ts";
import type { Ending } from "./run-end.ts";
import type { StoreOperation } from "./store.ts";

export type CrashHooksParts = {
  readonly launcher: Launcher;
  readonly logger: Logger;
  /** How long the process for them may take, loading the flow's module included. Default 60 s. */
  readonly timeoutMs?: number;
};

/** A run that crashed, after that was reported. */
export type CrashedRun = {
  readonly call: CrashCall;
  /** What ended it. */
  readonly error: ErrorDetail;
  /** Its log, still open. */
  readonly egress: Pick<RunEgress, "events" | "line" | "printed" | "endLog">;
};

const UNKNOWN: ErrorDetail = { class: "Crashed", message: "The process that ran it is gone." };

const LONGEST_MS = 60_000;

/**
 * Calls the `onCrashed` hooks of flows whose process died, each in a process from the launcher. What goes wrong there is
 * told in the run's log, and changes nothing.
 */
export class CrashHooks {
  readonly #parts: CrashHooksParts;
  readonly #workers = new Set<WorkerProcess>();
  #size = 0;
  #isStopped = false;

  constructor(parts: CrashHooksParts) {
    this.#parts = parts;
  }

  /** How many crashed runs are not done with. */
  get size(): number {
    return this.#size;
  }

  /** Reports the end of a run, and calls its hooks afterwards. Resolves once the report is on disk. */
  async after(
    ending: Ending,
    egress: RunEgress,
    alongside: readonly StoreOperation[],
  ): Promise<void> {
    const call = await egress.crash(ending, alongside);
    const { detail: error } = ending.error ?? { detail: UNKNOWN };
    if (call !== undefined) void this.call({ call, error, egress });
  }

  /** Calls the hooks of one run, and then ends its log. Never rejects. */
  async call(run: CrashedRun): Promise<void> {
    this.#size += 1;
    try {
      const failure = await this.#perform(run);
      if (failure !== undefined) {
        const text = `the onCrashed hooks of flow "${run.call.flowName}" did not run to their end: ${failure}`;
        run.egress.line({ level: "warn", logger: "downbeat", text });
      }
      await run.egress.endLog();
    } catch (error) {
      const { runId } = run.call;
      this.#parts.logger.error({ runId, err: error }, "calling the hooks of a crash failed");
    } finally {
      this.#size -= 1;
    }
  }

  /** Ends those that are being called, and calls no more. */
  stop(): void {
    this.#isStopped = true;
    for (const worker of this.#workers) worker.signal("SIGKILL");
  }

  /** Resolves with what went wrong. */
  async #perform(run: CrashedRun): Promise<string | undefined> {
    const { launcher } = this.#parts;
    try {
      const worker = await launcher.take();
      this.#workers.add(worker);
      const failure = this.#isStopped ? "the agent stops" : await this.#callIn(worker, run);
      this.#workers.delete(worker);
      launcher.giveBack(worker);
      return failure;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  async #callIn(
    worker: WorkerProcess,
    { call, error, egress }: CrashedRun,
  ): Promise<string | undefined> {
    const { timeoutMs = LONGEST_MS } = this.#parts;
    let isOverdue = false;
    const timer = setTimeout(() => {
      isOverdue = true;
      worker.signal("SIGKILL");
    }, timeoutMs);
    const end = await worker.run(messageFor(call, error), {
      events: (events) => egress.events(events),
      line: (stream, text) => egress.printed(stream, text),
    });
    clearTimeout(timer);
    if (isOverdue) return `they took longer than ${timeoutMs / 1_000} s`;
    if (end.kind === "exited")
      return `their process ended (exit code ${end.exitCode}, signal ${end.signal})`;
    if (end.kind === "returned") return "their process had ended before";
    return end.outcome.outcome === "failed" ? end.outcome.error.message : undefined;
  }
}

function messageFor(call: CrashCall, { class: errorClass, message }: ErrorDetail): RunMessage {
  return { type: "run", ...call, parameters: {}, crashed: { class: errorClass, message } };
}
