import type { StateName } from "@downbeat/contract";
import { DownbeatError } from "@downbeat/contract/errors";
import { shownKey } from "../artifacts/shown.ts";
import type { ArtifactEvent, FlowOutcome, LogEvent, RunEvent, ShownEvent } from "../run-host.ts";
import { onStage } from "../run-stage.ts";
import type { HostedRun } from "../run-stage.ts";
import { taskRunsIn } from "./task-run-report.ts";
import type { TaskRunReport } from "./task-run-report.ts";
import { TestHost } from "./test-host.ts";
import type { Wait } from "./test-host.ts";
import { VirtualClock } from "./virtual-clock.ts";
import type { ClockOptions } from "./virtual-clock.ts";

/** How a flow is run in a test. */
export type TestFlowOptions = ClockOptions & {
  /** What whoever resumes the run gives, by the key of the pause point. */
  readonly inputs?: Readonly<Record<string, unknown>>;
  /** Cancels the run as soon as this answers true for something that happened. */
  readonly cancelWhen?: (event: RunEvent) => boolean;
  /** Cancels the run after so many milliseconds of its time. */
  readonly cancelAfterMs?: number;
};

/** What became of a flow in a test. */
export type FlowReport<T> = {
  /** The state its run ended in; PAUSED when it waits for someone and `inputs` has nothing for it. */
  readonly state: {
    readonly type: "COMPLETED" | "FAILED" | "CANCELLED" | "PAUSED";
    readonly name: StateName;
  };
  /** What the function returned; undefined when it threw or waits. */
  readonly result: T | undefined;
  /** Exactly what it threw. */
  readonly error: unknown;
  /** How often the flow's function was called: again for each retry, and after each `suspend()`. */
  readonly attempts: number;
  /** Every task run, in the order in which they began. */
  readonly taskRuns: readonly TaskRunReport[];
  /** The runs of one task. */
  taskRunsOf(taskName: string): TaskRunReport[];
  readonly logs: readonly LogEvent[];
  /** What it showed, in the newest version, in order of the first ones. */
  readonly artifacts: readonly ArtifactEvent[];
  /** The numbers it declared public, as they were last given. */
  readonly metrics: Readonly<Record<string, number>>;
  /** Everything that happened, in order, as an agent would hear of it. */
  readonly events: readonly RunEvent[];
  /** How long it took by its own clock, in milliseconds. */
  readonly elapsedMs: number;
  /** The key of the pause point at which it waits. */
  readonly waitingAt?: string;
};

/**
 * Runs a flow as an agent would, without a server and without waiting: whenever everything waits for a retry, a timeout
 * or a person, the clock jumps there. User code is the real one; its own timers and I/O take real time.
 *
 * @param body Calls the flow, once.
 * @returns A report, also when the flow fails: this rejects only when the test itself cannot work.
 * @example
 * const run = await testFlow(() => weather({ year: 2014 }));
 * expect(run.state.name).toBe("Completed");
 * @throws DownbeatError `definition_invalid` when `body` calls no flow; NothingLeftToHappen when the flow awaits
 * something that never comes.
 */
export function testFlow<T>(
  body: () => T | PromiseLike<T>,
  options: TestFlowOptions = {},
): Promise<FlowReport<T>> {
  return new FlowTest(body, options).run();
}

type End<T> = {
  readonly outcome: FlowOutcome | undefined;
  readonly result?: T;
  readonly error?: unknown;
  readonly wait?: Wait;
};
/** The flow is to begin again, with these points passed. */
type Again = { readonly passedInputs: Readonly<Record<string, unknown>> };

class FlowTest<T> {
  readonly #body: () => T | PromiseLike<T>;
  readonly #options: TestFlowOptions;
  readonly #clock: VirtualClock;
  readonly #events: RunEvent[] = [];
  #host: TestHost | undefined;
  #executions = 0;
  #misuse: DownbeatError | undefined;

  constructor(body: () => T | PromiseLike<T>, options: TestFlowOptions) {
    this.#body = body;
    this.#options = options;
    this.#clock = new VirtualClock(options);
  }

  async run(): Promise<FlowReport<T>> {
    const { cancelAfterMs } = this.#options;
    if (cancelAfterMs !== undefined) this.#clock.after(cancelAfterMs, () => this.#host?.cancel());
    const end = await this.#clock.settle(() => this.#untilTheEnd());
    if (this.#misuse !== undefined) throw this.#misuse;
    if (this.#host === undefined && !("error" in end)) throw noFlowCalled();
    this.#host?.end();
    return this.#report(end);
  }

  async #untilTheEnd(): Promise<End<T>> {
    for (let passedInputs = {}; ;) {
      const end = await this.#execute(passedInputs);
      if (!("passedInputs" in end)) return end;
      ({ passedInputs } = end);
    }
  }

  /** One life of the flow's process. */
  #execute(passedInputs: Again["passedInputs"]): Promise<End<T> | Again> {
    return new Promise((resolve) => {
      let outcome: FlowOutcome | undefined;
      let isOpen = false;
      const open = (flowName: string): HostedRun => {
        if (isOpen) throw (this.#misuse = secondFlowCalled(flowName));
        isOpen = true;
        const host = this.#hostFor({ flowName, passedInputs, resolve });
        return { host, finish: (it) => void (outcome = it) };
      };
      const call = async () => this.#body();
      onStage({ open }, call).then(
        (result) => resolve({ outcome, result }),
        (error: unknown) => resolve({ outcome, error }),
      );
    });
  }

  #hostFor(execution: {
    flowName: string;
    passedInputs: Again["passedInputs"];
    resolve: (end: End<T> | Again) => void;
  }): TestHost {
    const { flowName, passedInputs, resolve } = execution;
    this.#executions += 1;
    const host = new TestHost({
      flowName,
      passedInputs,
      timers: this.#clock,
      givenInputs: this.#options.inputs ?? {},
      onEvent: (event) => this.#take(event, host),
      onWaiting: (wait) => resolve({ outcome: undefined, wait }),
      onTimedOut: (wait) => resolve({ outcome: undefined, wait, error: undefined }),
      onResumed: ({ key }, input) => {
        host.end();
        resolve({ passedInputs: { ...host.inputs, [key]: input } });
      },
    });
    this.#host = host;
    return host;
  }

  #take(event: RunEvent, host: TestHost): void {
    this.#events.push(event);
    if (this.#options.cancelWhen?.(event)) host.cancel();
  }

  #report(end: End<T>): FlowReport<T> {
    const events = this.#events;
    const taskRuns = taskRunsIn(events, this.#clock.startedAtMs);
    const retries = events.filter(
      (event) => event.kind === "flow_state" && event.state.name === "Retrying",
    );
    const isWaiting = end.wait !== undefined && !("error" in end);
    return {
      state: stateOf(end),
      result: end.result,
      error: end.error,
      attempts: this.#executions + retries.length,
      taskRuns,
      taskRunsOf: (taskName) => taskRuns.filter((run) => run.taskName === taskName),
      logs: events.filter((event) => event.kind === "log"),
      ...shownIn(events),
      events,
      elapsedMs: this.#clock.now() - this.#clock.startedAtMs,
      ...(isWaiting && end.wait && { waitingAt: end.wait.point.key }),
    };
  }
}

function shownIn(events: readonly RunEvent[]): Pick<FlowReport<unknown>, "artifacts" | "metrics"> {
  const newest = new Map<string, ShownEvent>();
  for (const event of events)
    if (event.kind === "artifact" || event.kind === "metric") newest.set(shownKey(event), event);
  const shown = [...newest.values()];
  const metrics = shown.filter((event) => event.kind === "metric");
  return {
    artifacts: shown.filter((event) => event.kind === "artifact"),
    metrics: Object.fromEntries(metrics.map(({ name, value }) => [name, value])),
  };
}

function stateOf(end: End<unknown>): FlowReport<unknown>["state"] {
  if (end.wait !== undefined) {
    return "error" in end
      ? { type: "FAILED", name: "TimedOut" }
      : { type: "PAUSED", name: end.wait.stateName };
  }
  const { outcome } = end;
  // Without an outcome its parameters were refused: nothing began.
  if (outcome === undefined) return { type: "FAILED", name: "Failed" };
  if (outcome.outcome === "completed") return { type: "COMPLETED", name: "Completed" };
  if (outcome.outcome === "cancelled") return { type: "CANCELLED", name: "Cancelled" };
  return { type: "FAILED", name: outcome.stateName };
}

function noFlowCalled(): DownbeatError {
  return new DownbeatError("definition_invalid", {
    message: "testFlow() was given a function that calls no flow",
  });
}

function secondFlowCalled(flowName: string): DownbeatError {
  return new DownbeatError("definition_invalid", {
    message: `testFlow() was given a function that calls a second flow, "${flowName}"; test one at a time`,
  });
}
