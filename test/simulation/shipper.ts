import type { AgentProcess } from "./agent-process.ts";
import type { Outcome, ReportedTransition } from "./store.ts";

const BATCH = 5;
const REPORT_TIMEOUT_MS = 10_000;

/** Carries the outbox to the plane, one batch at a time, until everything is answered. */
export class Shipper {
  readonly #process: AgentProcess;
  readonly #onOutcome: (item: ReportedTransition, status: string) => void;
  #isBusy = false;
  #whenEmpty: (() => void) | undefined;

  constructor(
    process: AgentProcess,
    onOutcome: (item: ReportedTransition, status: string) => void,
  ) {
    this.#process = process;
    this.#onOutcome = onOutcome;
  }

  /** Calls back once, when nothing is left to deliver. */
  whenEmpty(then: () => void): void {
    this.#whenEmpty = then;
  }

  ship(failures = 0): void {
    if (this.#isBusy) return;
    const { disk } = this.#process.world;
    const batch = disk.outbox.slice(0, BATCH);
    if (batch.length === 0) {
      const then = this.#whenEmpty;
      this.#whenEmpty = undefined;
      return then?.();
    }
    this.#isBusy = true;
    report(this.#process, batch, (outcomes) => {
      if (outcomes === undefined) {
        return void this.#process.backOff(failures, () => {
          this.#isBusy = false;
          this.ship(failures + 1);
        });
      }
      this.#isBusy = false;
      disk.acknowledge(batch);
      batch.forEach((item, at) => this.#onOutcome(item, outcomes[at]?.status ?? "fenced"));
      this.ship();
    });
  }
}

/** Reports transitions; calls back with nothing when no answer came. */
export function report(
  process: AgentProcess,
  items: readonly ReportedTransition[],
  done: (outcomes: readonly Outcome[] | undefined) => void,
): void {
  const logged = {
    input: { items },
    toOutput: ({ outcomes }: { outcomes: readonly Outcome[] }) => ({
      statuses: outcomes.map(({ status }) => status),
    }),
  };
  process.ask({ op: "report", input: { items }, timeoutMs: REPORT_TIMEOUT_MS, logged }, (ending) =>
    done("ok" in ending ? ending.ok.outcomes : undefined),
  );
}
