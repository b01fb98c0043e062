import { LaunchError, type Launcher } from "./launcher.ts";
import { WorkerProcess, type WorkerOptions } from "./worker-process.ts";

const STOP_GRACE_MS = 5_000;

export type ProcessLauncherOptions = {
  readonly worker: WorkerOptions;
  /** Most processes at once. */
  readonly limit: number;
};

/** A fresh process for every run: slower to start, and nothing of one run is left for the next. */
export class ProcessLauncher implements Launcher {
  readonly #options: ProcessLauncherOptions;
  readonly #waiting: (() => void)[] = [];
  readonly #stopping = new Set<Promise<void>>();
  #inUse = 0;
  #isClosed = false;

  constructor(options: ProcessLauncherOptions) {
    this.#options = options;
  }

  get free(): number {
    return Math.max(0, this.#options.limit - this.#inUse - this.#waiting.length);
  }

  async take(): Promise<WorkerProcess> {
    if (this.#inUse >= this.#options.limit)
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#inUse += 1;
    try {
      if (this.#isClosed) throw new LaunchError("The agent is stopping.");
      return await WorkerProcess.start(this.#options.worker);
    } catch (error) {
      this.#passOn();
      throw error;
    }
  }

  giveBack(worker: WorkerProcess): void {
    const stopped = worker.stop(worker.isSound ? STOP_GRACE_MS : 0).then(() => {
      this.#stopping.delete(stopped);
      this.#passOn();
    });
    this.#stopping.add(stopped);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#stopping);
  }

  /** Gives this place to whoever waits longest. */
  #passOn(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#inUse -= 1;
    else next();
  }
}
