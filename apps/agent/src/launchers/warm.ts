import { readFile } from "node:fs/promises";
import { LaunchError, type Launcher } from "./launcher.ts";
import { WorkerProcess, type WorkerOptions } from "./worker-process.ts";

export type WarmLauncherOptions = {
  readonly worker: WorkerOptions;
  /** Most processes at once. */
  readonly limit: number;
  /** Processes started ahead of work and kept when idle. Default 2 or `limit`, whichever is less. */
  readonly minimum?: number;
  /** Runs after which a process is replaced. Default 100,000. */
  readonly recycleRuns?: number;
  /** Resident memory above which a process is replaced. Default 512 MiB. */
  readonly recycleBytes?: number;
  /** How long a process beyond the minimum may idle. Default 60 s. */
  readonly idleMs?: number;
};

type Waiter = {
  readonly resolve: (worker: WorkerProcess) => void;
  readonly reject: (error: unknown) => void;
  readonly isBrief: boolean;
};

const STOP_GRACE_MS = 5_000;
// Module loading is processor-bound: starting more at once would only make all of them late.
const MOST_STARTING = 2;
const CHECK_EVERY_MS = 5_000;
const PAGE_BYTES = 4_096;
// Runs given to a process, with the one at work: more gain little, and a process that dies gives them all back.
const MOST_GIVEN = 16;
// It is given more once so few are left, several at a time: to tell it of one takes as long as to tell it of eight.
const GIVEN_ANEW_AT = 8;

/** Processes that keep the user's modules loaded and take one run after another. */
export class WarmLauncher implements Launcher {
  readonly #options: Required<WarmLauncherOptions>;
  readonly #idle: { worker: WorkerProcess; sinceMs: number }[] = [];
  readonly #all = new Set<WorkerProcess>();
  /** Processes in use, and by how many runs. */
  readonly #users = new Map<WorkerProcess, number>();
  readonly #tooLarge = new WeakSet<WorkerProcess>();
  readonly #stopping = new Set<Promise<unknown>>();
  readonly #waiting: Waiter[] = [];
  readonly #checks: NodeJS.Timeout;
  #starting = 0;
  #isClosed = false;
  #onShort: () => void = () => {};

  constructor(options: WarmLauncherOptions) {
    this.#options = {
      minimum: Math.min(2, options.limit),
      // A new process costs as much as 6,000 short runs; memory is watched beside.
      recycleRuns: 100_000,
      recycleBytes: 512 * 1024 * 1024,
      idleMs: 60_000,
      ...options,
    };
    this.#checks = setInterval(() => void this.#check(), CHECK_EVERY_MS).unref();
    for (let count = 0; count < this.#options.minimum; count += 1) this.#start();
  }

  get free(): number {
    const possible = this.#options.limit - this.#all.size - this.#starting;
    return Math.max(0, this.#idle.length + this.#starting + possible - this.#waiting.length);
  }

  whenShort(call: () => void): void {
    this.#onShort = call;
  }

  take(isBrief = false): Promise<WorkerProcess> {
    if (this.#isClosed) return Promise.reject(new LaunchError("The agent is stopping."));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject, isBrief });
      this.#serve();
    });
  }

  giveBack(worker: WorkerProcess): void {
    const users = (this.#users.get(worker) ?? 1) - 1;
    if (users > 0) this.#users.set(worker, users);
    else {
      this.#users.delete(worker);
      if (this.#mayServe(worker)) this.#idle.push({ worker, sinceMs: performance.now() });
      else this.#retire(worker);
    }
    this.#serve();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearInterval(this.#checks);
    for (const { reject } of this.#waiting.splice(0))
      reject(new LaunchError("The agent is stopping."));
    for (const { worker } of this.#idle.splice(0)) this.#retire(worker);
    // One that is still starting is stopped when it is there, which adds to the set.
    while (this.#stopping.size > 0) await Promise.all(this.#stopping);
  }

  #mayServe(worker: WorkerProcess): boolean {
    const isWorn = worker.runs >= this.#options.recycleRuns || this.#tooLarge.has(worker);
    return worker.isSound && !isWorn && !this.#isClosed;
  }

  /** Gives idle processes to those who wait, the warmest first, and starts more where some must still wait. */
  #serve(): void {
    while (this.#waiting.length > 0 && this.#idle.length > 0) {
      const worker = this.#idle.pop()?.worker;
      if (worker?.isSound === true) this.#hand(worker);
    }
    while (this.#waiting.length > this.#starting && this.#mayStart()) this.#start();
    const areAllThere = this.#all.size + this.#starting >= this.#options.limit;
    const isOneShort = this.#leastGiven(GIVEN_ANEW_AT) !== undefined;
    if (areAllThere && isOneShort) this.#giveAhead();
    if (this.#waiting.length === 0 && (this.#idle.length > 0 || isOneShort)) this.#onShort();
  }

  /** Strictly by turns: while one that wants a process for itself is first, those at work become free for it. */
  #giveAhead(): void {
    while (this.#waiting[0]?.isBrief === true) {
      const worker = this.#leastGiven(MOST_GIVEN - 1);
      if (worker === undefined) return;
      this.#hand(worker);
    }
  }

  #hand(worker: WorkerProcess): void {
    const waiter = this.#waiting.shift();
    if (waiter === undefined) return;
    const users = this.#users.get(worker) ?? 0;
    this.#users.set(worker, users + 1);
    worker.takesMore = waiter.isBrief;
    waiter.resolve(worker);
  }

  /** The process with the fewest runs of those that have only brief ones, and no more of them than this. */
  #leastGiven(most: number): WorkerProcess | undefined {
    let [found, fewest]: [WorkerProcess | undefined, number] = [undefined, most + 1];
    for (const [worker, users] of this.#users) {
      if (!worker.takesMore || users >= fewest || !this.#mayServe(worker)) continue;
      [found, fewest] = [worker, users];
    }
    return found;
  }

  #mayStart(): boolean {
    const { limit } = this.#options;
    return (
      !this.#isClosed && this.#starting < MOST_STARTING && this.#all.size + this.#starting < limit
    );
  }

  #start(): void {
    this.#starting += 1;
    const started = WorkerProcess.start(this.#options.worker)
      .then(
        (worker) => this.#adopt(worker),
        // Nobody may be waiting yet when processes are started ahead; the next take tries, and is told, again.
        (error: unknown) => this.#waiting.shift()?.reject(error),
      )
      .finally(() => {
        this.#starting -= 1;
        this.#stopping.delete(started);
        this.#serve();
      });
    this.#stopping.add(started);
  }

  #adopt(worker: WorkerProcess): void {
    this.#all.add(worker);
    void worker.exited.then(() => {
      this.#all.delete(worker);
      const at = this.#idle.findIndex((idle) => idle.worker === worker);
      if (at >= 0) this.#idle.splice(at, 1);
      this.#serve();
    });
    if (this.#isClosed) this.#retire(worker);
    else this.#idle.push({ worker, sinceMs: performance.now() });
  }

  #retire(worker: WorkerProcess): void {
    // An unsound one still runs user code that its run has left behind: no reason to wait for that.
    const stopped = worker
      .stop(worker.isSound ? STOP_GRACE_MS : 0)
      .finally(() => this.#stopping.delete(stopped));
    this.#stopping.add(stopped);
  }

  async #check(): Promise<void> {
    for (const worker of this.#all) {
      if ((await residentBytes(worker.pid)) > this.#options.recycleBytes)
        this.#tooLarge.add(worker);
    }
    const idleBefore = performance.now() - this.#options.idleMs;
    while (this.#all.size > this.#options.minimum) {
      const oldest = this.#idle[0];
      if (oldest === undefined || oldest.sinceMs > idleBefore) break;
      this.#idle.shift();
      this.#all.delete(oldest.worker);
      this.#retire(oldest.worker);
    }
  }
}

/** 0 where the system does not say (not Linux) or the process is gone. */
async function residentBytes(pid: number): Promise<number> {
  const pages = await readFile(`/proc/${pid}/statm`, "utf8").catch(() => "0 0");
  return Number(pages.split(" ")[1]) * PAGE_BYTES;
}
