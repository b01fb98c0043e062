import type { RunMessage } from "./messages.ts";

/** The runs a worker has been given and not begun, in order. */
export class RunQueue {
  #waiting: RunMessage[] = [];
  #endedSeries = -1;
  #series = -1;

  get next(): RunMessage | undefined {
    return this.#waiting[0];
  }

  /** The newest series it has had a run of. */
  get series(): number {
    return this.#series;
  }

  /** Takes a run, unless its series has ended. */
  add(run: RunMessage): void {
    // Only where the agent counts on nothing else does it give a run that begins at once: it has the others back.
    if (run.beginByMs === undefined) this.#keep((other) => other.beginByMs === undefined);
    else if (run.series === undefined || run.series <= this.#endedSeries) return;
    this.#series = Math.max(this.#series, run.series ?? -1);
    this.#waiting.push(run);
  }

  take(): RunMessage | undefined {
    return this.#waiting.shift();
  }

  /** Whether the run was there. */
  remove(runId: string): boolean {
    const count = this.#waiting.length;
    this.#keep((run) => run.runId !== runId);
    return this.#waiting.length < count;
  }

  /** Forgets the runs of this series that were given ahead, and those that are still on their way. */
  endSeries(series: number): void {
    this.#endedSeries = Math.max(this.#endedSeries, series);
    this.#keep((run) => run.beginByMs === undefined || (run.series ?? 0) > this.#endedSeries);
  }

  clear(): void {
    this.#waiting = [];
  }

  #keep(fits: (run: RunMessage) => boolean): void {
    this.#waiting = this.#waiting.filter(fits);
  }
}
