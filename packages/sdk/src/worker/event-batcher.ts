import type { RunEvent } from "../run-host.ts";

const LARGEST_BATCH = 500;

type TaskRunEvent = Extract<RunEvent, { kind: "task_run" }>;

/**
 * Gathers a run's events and hands them on once per turn of the event loop, in order; of each task run only the newest
 * state, after all else.
 */
export class EventBatcher {
  readonly #ship: (events: readonly RunEvent[]) => void;
  #waiting: RunEvent[] = [];
  readonly #taskRuns = new Map<string, TaskRunEvent>();
  #scheduled: NodeJS.Immediate | undefined;
  #closed = false;

  constructor(ship: (events: readonly RunEvent[]) => void) {
    this.#ship = ship;
  }

  /** Takes an event; after {@link close}, code that outlived its run may still speak and is not heard. */
  add(event: RunEvent): void {
    if (this.#closed) return;
    if (event.kind === "task_run") this.#taskRuns.set(event.taskRunId, event);
    else this.#waiting.push(event);
    if (this.#waiting.length + this.#taskRuns.size >= LARGEST_BATCH) this.flush();
    else this.#scheduled ??= setImmediate(() => this.flush());
  }

  flush(): void {
    clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    const events = [...this.#waiting, ...this.#taskRuns.values()];
    this.#waiting = [];
    this.#taskRuns.clear();
    if (events.length > 0) this.#ship(events);
  }

  close(): void {
    this.flush();
    this.#closed = true;
  }
}
