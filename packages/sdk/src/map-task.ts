import { callTask } from "./call-task.ts";
import { RunCancelled, UpstreamFailed } from "./errors.ts";
import { blankFrame, currentFrame } from "./frame.ts";
import type { Frame } from "./frame.ts";
import { isFuture } from "./future.ts";
import type { FutureSource, TaskFuture } from "./future.ts";
import { log } from "./log.ts";
import { lineUp, readMapCall, unmapped } from "./map-arguments.ts";
import type { MapCall, MappedCalls } from "./map-arguments.ts";
import { MOST_UPSTREAM } from "./run-scope.ts";
import type { TaskState } from "./run-when.ts";
import { futureOf } from "./submit-task.ts";
import { TaskRun } from "./task-run.ts";
import type { TaskSpec } from "./task-spec.ts";
import { valuesOnceEnded } from "./upstreams.ts";
import type { Waiting } from "./waiting.ts";

/** Calls a task once for each item, so many at a time. The future brings the results in the order of the items. */
export function mapTask(spec: TaskSpec, given: readonly unknown[]): TaskFuture<unknown[]> {
  const call = readMapCall(spec.owner, given);
  const map = new MapRun(spec, call);
  return futureOf(map, () => map.run());
}

/** All task runs of one map. Of those that have ended it keeps the result and nothing else. */
class MapRun implements FutureSource {
  readonly parent = undefined;
  waitsFor: Set<Waiting> | undefined;
  state: TaskState = { type: "PENDING", name: "Pending" };
  readonly #spec: TaskSpec;
  readonly #call: MapCall;
  readonly #frame: Frame;
  readonly #ids: string[] = [];
  #failures = 0;
  #firstFailure: { readonly index: number; readonly error: unknown } | undefined;

  constructor(spec: TaskSpec, call: MapCall) {
    this.#spec = spec;
    this.#call = call;
    this.#frame = currentFrame() ?? blankFrame;
  }

  get taskName(): string {
    return this.#spec.name;
  }

  get owner(): string {
    return `the map of ${this.#spec.owner}`;
  }

  taskRunIds(): Iterable<string> {
    return this.#ids;
  }

  async run(): Promise<unknown[]> {
    try {
      const results = await this.#results();
      this.state = { type: "COMPLETED", name: "Completed" };
      return results;
    } catch (error) {
      this.state =
        error instanceof RunCancelled
          ? { type: "CANCELLED", name: "Cancelled" }
          : { type: "FAILED", name: error instanceof UpstreamFailed ? "UpstreamFailed" : "Failed" };
      throw error;
    }
  }

  async #results(): Promise<unknown[]> {
    const { args, concurrency } = this.#call;
    const lists = await this.#listsOnceReady(args);
    if (lists === undefined) return [];
    const calls = lineUp(this.#spec.owner, lists);
    this.state = { type: "RUNNING", name: "Running" };
    const results = Array.from<unknown>({ length: calls.count });
    const spec = { ...this.#spec, after: undefined, edges: upstreamsOfAll(this.#spec, args) };
    const items = { calls, results, spec, next: 0 };
    const atOnce = Math.min(concurrency, calls.count);
    await Promise.all(Array.from({ length: atOnce }, () => this.#work(items)));
    if (this.#firstFailure === undefined) return results;
    if (this.#failures > 1)
      log.warn(
        `${this.#failures} of ${calls.count} calls in ${this.owner} failed; this is the first`,
      );
    throw this.#firstFailure.error;
  }

  /** Undefined: the map is not to run. Otherwise what was given, with the values of futures in their place. */
  async #listsOnceReady(args: readonly unknown[]): Promise<readonly unknown[] | undefined> {
    const awaited = upstreamsOfAll(this.#spec, args);
    if (awaited.length === 0) return args;
    const whole = () => new TaskRun(this.#spec, args, this);
    try {
      const ended = await valuesOnceEnded(this, {
        awaited,
        signal: this.#frame.signal,
        runWhen: this.#spec.runWhen,
      });
      if (ended === undefined) whole().skipped();
      return ended && args.map((arg) => (isFuture(arg) ? asListOrOne(ended.get(arg)) : arg));
    } catch (error) {
      if (error instanceof UpstreamFailed) whole().upstreamFailed(error);
      throw error;
    }
  }

  // One of these goes from item to item, so that nothing is kept for items that wait or have ended.
  async #work(items: Items): Promise<void> {
    while (items.next < items.calls.count) {
      if (this.#frame.signal?.aborted) throw new RunCancelled(this.owner);
      const index = items.next++;
      const run = new TaskRun(items.spec, items.calls.argumentsAt(index), this);
      if (this.#frame.scope?.host !== undefined && this.#ids.length < MOST_UPSTREAM)
        this.#ids.push(run.taskRunId);
      try {
        items.results[index] = await callTask(run, undefined);
      } catch (error) {
        this.#failed(index, error);
      }
    }
  }

  #failed(index: number, error: unknown): void {
    this.#failures += 1;
    if (this.#firstFailure === undefined || index < this.#firstFailure.index)
      this.#firstFailure = { index, error };
  }
}

type Items = {
  readonly calls: MappedCalls;
  readonly results: unknown[];
  readonly spec: TaskSpec;
  next: number;
};

// Items that are futures are not among them: the call that takes one waits for it.
function upstreamsOfAll({ after = [] }: TaskSpec, args: readonly unknown[]) {
  return [...after, ...args.filter(isFuture)];
}

function asListOrOne(value: unknown): unknown {
  const isOne = typeof value === "object" && value !== null && !(Symbol.iterator in value);
  return isOne ? unmapped(value) : value;
}
