import { uuidv7 } from "uuidv7";
import type { RunHost, RunIdentity } from "./run-host.ts";
import type { TaskRun } from "./task-run.ts";

// The most entries of one argument looked at for results of earlier tasks: enough for `Promise.all` over a list, little
// enough that passing a large data set stays cheap.
const MOST_ENTRIES = 1_000;
const MOST_UPSTREAM = 1_000;

type ScopeOptions = {
  readonly host: RunHost | undefined;
  readonly flowName: string;
  /** Whether `log` also prints: yes in a plain script, no under an agent. */
  readonly printsLogs: boolean;
};

/** One flow run as the engine keeps it: counts its tasks, knows which of them made which value. */
export class RunScope {
  readonly host: RunHost | undefined;
  readonly flowName: string;
  readonly printsLogs: boolean;
  readonly #indexes = new Map<string, number>();
  readonly #producers = new WeakMap<object, TaskRun>();
  #indexesBefore: ReadonlyMap<string, number> = new Map();
  #run: RunIdentity | undefined;
  #openTasks = 0;
  readonly #abandoned = new Set<Promise<unknown>>();
  #whenDrained: (() => void)[] = [];

  constructor(options: ScopeOptions) {
    this.host = options.host;
    this.flowName = options.flowName;
    this.printsLogs = options.printsLogs;
  }

  get run(): RunIdentity {
    return (this.#run ??= this.host?.run ?? {
      runId: uuidv7(),
      epoch: 0,
      flowName: this.flowName,
      attempt: 1,
    });
  }

  /** Whether user code runs on although its attempt is over. */
  get hasAbandonedWork(): boolean {
    return this.#abandoned.size > 0;
  }

  nextIndex(taskName: string): number {
    const index = this.#indexes.get(taskName) ?? 0;
    this.#indexes.set(taskName, index + 1);
    return index;
  }

  /** An attempt of the flow begins in this process. */
  attemptBegins(): void {
    this.#indexesBefore = new Map(this.#indexes);
  }

  /** The how-manieth run of its task in this attempt, from 0: the same in every process that comes to the same call. */
  indexInAttempt({ taskName, index }: Pick<TaskRun, "taskName" | "index">): number {
    return index - (this.#indexesBefore.get(taskName) ?? 0);
  }

  /** Remembers which task run made this value; only objects have an identity to follow. */
  produced(value: unknown, by: TaskRun): void {
    if (this.host !== undefined && isObject(value)) this.#producers.set(value, by);
  }

  /** The task runs whose results are among these arguments, or directly inside a list or plain object among them. */
  upstreamOf(args: readonly unknown[]): readonly string[] {
    if (this.host === undefined) return [];
    const found = new Set<string>();
    for (const arg of args) {
      this.#collect(arg, found);
      for (const entry of entriesOf(arg)) this.#collect(entry, found);
    }
    return [...found].slice(0, MOST_UPSTREAM);
  }

  #collect(value: unknown, found: Set<string>): void {
    if (!isObject(value)) return;
    const producer = this.#producers.get(value);
    if (producer !== undefined) found.add(producer.taskRunId);
  }

  taskOpened(): void {
    this.#openTasks += 1;
  }

  taskClosed(): void {
    this.#openTasks -= 1;
    if (this.#openTasks > 0) return;
    for (const resolve of this.#whenDrained.splice(0)) resolve();
  }

  /** Resolves when no task of this run is open; one that nobody awaited may still be. */
  drained(): Promise<void> {
    if (this.#openTasks === 0) return Promise.resolve();
    return new Promise((resolve) => this.#whenDrained.push(resolve));
  }

  abandon(work: Promise<unknown>): void {
    const settled = work.then(forget, forget);
    const abandoned = this.#abandoned;
    abandoned.add(settled);
    function forget() {
      abandoned.delete(settled);
    }
  }

  /** Resolves when all work that outlived its attempt has settled after all. */
  async abandonedWorkSettled(): Promise<void> {
    await Promise.all(this.#abandoned);
  }
}

function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}

function entriesOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value.slice(0, MOST_ENTRIES);
  if (!isObject(value)) return [];
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return [];
  // Read through descriptors: looking for edges must not run a user's getter.
  return Object.values(Object.getOwnPropertyDescriptors(value))
    .slice(0, MOST_ENTRIES)
    .map((property): unknown => property.value);
}
