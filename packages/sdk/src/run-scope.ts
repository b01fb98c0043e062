import { uuidv7 } from "uuidv7";
import { plainEntries } from "./argument-entries.ts";
import { isFuture } from "./future.ts";
import type { TaskFuture } from "./future.ts";
import { Shown } from "./artifacts/shown.ts";
import { recordLine } from "./log.ts";
import type { RunHost, RunIdentity, ShownEvent } from "./run-host.ts";
import type { TaskRun } from "./task-run.ts";
import { warnUnobserved } from "./unobserved.ts";

// The most entries of one argument looked at for results of earlier tasks: enough for `Promise.all` over a list, little
// enough that passing a large data set stays cheap.
const MOST_ENTRIES = 1_000;
export const MOST_UPSTREAM = 1_000;

type ScopeOptions = {
  readonly host: RunHost | undefined;
  readonly flowName: string;
  /** Whether `log` also prints: yes in a plain script, no under an agent. */
  readonly printsLogs: boolean;
  /** Whether what is written to `console` becomes part of the log. Default: as the process does with all its runs. */
  readonly capturesConsole?: boolean | undefined;
};

/** One flow run as the engine keeps it: counts its tasks, knows which of them made which value. */
export class RunScope {
  readonly host: RunHost | undefined;
  readonly flowName: string;
  readonly printsLogs: boolean;
  readonly capturesConsole: boolean | undefined;
  /** Is told that the run waits for a person; resolves when it may leave its process for that. */
  onPause: ((name: "Paused" | "Suspended", key: string) => Promise<void>) | undefined;
  readonly #indexes = new Map<string, number>();
  readonly #producers = new WeakMap<object, string>();
  #indexesBefore: ReadonlyMap<string, number> = new Map();
  #run: RunIdentity | undefined;
  #openTasks = 0;
  readonly #futures = new WeakSet<TaskFuture<unknown>>();
  readonly #unobserved = new Map<TaskFuture<unknown>, unknown>();
  readonly #openStreams = new Set<() => void>();
  #hasReturned = false;
  readonly #abandoned = new Set<Promise<unknown>>();
  #whenDrained: (() => void)[] = [];
  // Made when first asked: most runs show nothing.
  #shown: Shown | undefined;

  constructor(options: ScopeOptions) {
    this.host = options.host;
    this.flowName = options.flowName;
    this.printsLogs = options.printsLogs;
    this.capturesConsole = options.capturesConsole;
  }

  get run(): RunIdentity {
    return (this.#run ??= this.host?.run ?? {
      runId: uuidv7(),
      epoch: 0,
      flowName: this.flowName,
      attempt: 1,
    });
  }

  /** Of spans of this run, and of its tasks. */
  get spanAttributes(): Readonly<Record<string, string>> {
    return { "downbeat.flow.name": this.flowName, "downbeat.flow_run.id": this.run.runId };
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
    if (this.host !== undefined && isObject(value)) this.#producers.set(value, by.taskRunId);
  }

  /**
   * The task runs whose results or futures are among these arguments, or directly inside a list or plain object among
   * them, and those that `after` names.
   */
  upstreamOf(args: readonly unknown[], after: readonly unknown[] = []): readonly string[] {
    const found = new Set<string>();
    for (const value of after) this.#collect(value, found);
    for (const arg of args) {
      this.#collect(arg, found);
      for (const entry of entriesOf(arg)) this.#collect(entry, found);
    }
    return [...found].slice(0, MOST_UPSTREAM);
  }

  #collect(value: unknown, found: Set<string>): void {
    if (!isObject(value)) return;
    const producer = this.#producers.get(value);
    if (producer !== undefined) found.add(producer);
    // A future of another run has no place in this one's graph.
    else if (isFuture(value) && this.#futures.has(value))
      for (const id of value.taskRunIds()) found.add(id);
  }

  /** Remembers a future of this run. */
  submitted(future: TaskFuture<unknown>): void {
    this.#futures.add(future);
  }

  /** Warns now or, while the flow may still await it, at its end. */
  failedUnobserved(future: TaskFuture<unknown>, error: unknown): void {
    if (this.#hasReturned) warnUnobserved(future, error);
    else this.#unobserved.set(future, error);
  }

  /** The flow's function has ended: streams nobody reads to their end are closed. */
  returned(): void {
    for (const close of this.#openStreams) close();
  }

  /** No more attempts follow: whoever wanted to await a future has done so. */
  ended(): void {
    this.#hasReturned = true;
    for (const [future, error] of this.#unobserved)
      if (!future.isObserved) warnUnobserved(future, error);
    this.#unobserved.clear();
  }

  /** Takes what the run shows. @param nowMs by the run's clock */
  show(event: ShownEvent, nowMs: number): void {
    const { host } = this;
    if (host === undefined) return;
    this.#shown ??= new Shown({
      emit: (newest) => host.event(newest),
      onTooMany: (text) => recordLine("warn", text, undefined),
    });
    this.#shown.show(event, nowMs);
  }

  /** Hands on what the run shows now. To be called before it ends, or waits. */
  flushShown(): void {
    this.#shown?.flush();
  }

  /** Remembers how to end a stream; returns what forgets it. */
  streamOpened(close: () => void): () => void {
    this.#openStreams.add(close);
    return () => void this.#openStreams.delete(close);
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
  return (plainEntries(value) ?? []).slice(0, MOST_ENTRIES).map(([, entry]) => entry);
}
