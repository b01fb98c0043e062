import type { Lease, PausePoint, RunInput } from "@downbeat/contract";
import { AwaitedInput, type ScreenedInputs } from "@downbeat/sdk/protocol";
import type { Logger } from "pino";
import type { RunEgress } from "./egress.ts";
import type { RunPreparer } from "./prepare-run.ts";
import type { Ending } from "./run-end.ts";
import type { RunOver } from "./run-over.ts";
import type { SignedWork } from "./signed-work.ts";

export type PauseParts = {
  readonly logger: Logger;
  readonly preparer: Pick<RunPreparer, "openInput">;
  readonly signedWork?: Pick<SignedWork, "inputs"> | undefined;
};

export type PausesOptions = {
  readonly lease: Lease;
  readonly egress: Pick<RunEgress, "paused" | "line">;
  /** Is over when the run is stopped. */
  readonly stop: Pick<RunOver, "isOver" | "signal">;
  /** Hands the process what it waits for. */
  readonly handOver: (given: { readonly key: string; readonly input: unknown }) => void;
  /** Ends the run: it cannot go on. */
  readonly kill: () => void;
};

/** What a run's process waits for, and what it is handed. */
export class RunPauses {
  readonly #parts: PauseParts;
  readonly #options: PausesOptions;
  readonly #awaited: AwaitedInput<PausePoint>;

  constructor(parts: PauseParts, options: PausesOptions) {
    const { lease, egress } = options;
    this.#parts = parts;
    this.#options = options;
    this.#awaited = new AwaitedInput({
      runId: lease.runId,
      signedInputs: parts.signedWork?.inputs,
      report: (point, reason) => egress.paused(point, reason),
      tell: (text) => egress.line({ level: "warn", logger: "downbeat", text }),
    });
  }

  /** The key of the pause point at which the process waits. */
  get awaits(): string | undefined {
    return this.#awaited.key;
  }

  /** What of the inputs that came with the lease does not count. */
  screened(inputs: Omit<ScreenedInputs, "counted">): void {
    this.#awaited.screened(inputs);
  }

  paused(point: PausePoint): void {
    this.#awaited.paused(point);
  }

  /** How it ends, saying so when it is suspended because what it was given does not count. */
  ending(ending: Ending): Ending {
    const { pause, reason } = ending;
    return pause === undefined
      ? ending
      : { ...ending, reason: this.#awaited.reasonAt(pause.key, reason) };
  }

  /** Someone resumed the run: opens what they gave and hands it to the process. */
  async resume(given: RunInput): Promise<void> {
    if (!(await this.#awaited.take(given))) return;
    const { logger, preparer } = this.#parts;
    const { lease, stop, handOver, kill } = this.#options;
    const { key } = given;
    try {
      handOver({ key, input: await preparer.openInput(lease, given, stop) });
    } catch (error) {
      if (stop.isOver) return;
      // Not opened with this key: the flow cannot go on, and says so as an end.
      const { runId } = lease;
      logger.error({ runId, key, err: error }, "what a paused run was given does not open");
      kill();
    }
  }
}
