import { LaunchError, type Launcher } from "./launcher.ts";
import { WorkerProcess, type WorkerOptions } from "./worker-process.ts";

const STOP_GRACE_MS = 5_000;

export type ProcessLauncherOptions = {
  readonly worker: WorkerOptions;
  /** Most processes with runs at once; beside them one waits for the next run. */
  readonly limit: number;
};

/**
 * A fresh process for every run: slower, and nothing of one run is left for the next. One process is started ahead, without
 * any of the user's code in it, so that a run need not wait for Node to start.
 */
export class ProcessLauncher implements Launcher {
  readonly #options: ProcessLauncherOptions;
  readonly #waiting: (() => void)[] = [];
  readonly #stopping = new Set<Promise<void>>();
  #spare: Promise<WorkerProcess | undefined> | undefined;
  #inUse = 0;
  #isClosed = false;

  constructor(options: ProcessLauncherOptions) {
    this.#options = options;
    this.#startAhead();
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
      return await this.#fresh();
    } catch (error) {
      this.#passOn();
      throw error;
    }
  }

  giveBack(worker: WorkerProcess): void {
    this.#stop(worker, () => this.#passOn());
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const spare = await this.#takeSpare();
    if (spare !== undefined) this.#stop(spare, () => {});
    await Promise.all(this.#stopping);
  }

  async #fresh(): Promise<WorkerProcess> {
    const spare = await this.#takeSpare();
    const worker = spare?.isSound === true ? spare : WorkerProcess.start(this.#options.worker);
    this.#startAhead();
    return worker;
  }

  async #takeSpare(): Promise<WorkerProcess | undefined> {
    const spare = this.#spare;
    this.#spare = undefined;
    return spare;
  }

  // One that does not start is no error yet: the run that would have had it starts its own, and says what is wrong.
  #startAhead(): void {
    if (this.#isClosed) return;
    this.#spare ??= WorkerProcess.start(this.#options.worker).catch(() => undefined);
  }

  #stop(worker: WorkerProcess, then: () => void): void {
    const stopped = worker.stop(worker.isSound ? STOP_GRACE_MS : 0).then(() => {
      this.#stopping.delete(stopped);
      then();
    });
    this.#stopping.add(stopped);
  }

  /** Gives this place to whoever waits longest. */
  #passOn(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#inUse -= 1;
    else next();
  }
}
