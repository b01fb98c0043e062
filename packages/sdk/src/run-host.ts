import type { ArtifactContent, StateName, StateType } from "@downbeat/contract";
import type { PausePoint } from "./pause-point.ts";
import type { RemotePlane } from "./remote/remote-plane.ts";

/** Which run this is, as its host knows it. */
export type RunIdentity = {
  readonly runId: string;
  /** The attempt number that fences reports about this run. */
  readonly epoch: number;
  readonly flowName: string;
  /** The attempt that starts now, from 1; later attempts in the same process count on from here. */
  readonly attempt: number;
  readonly deployment?: string;
  readonly workspaceId?: string;
  /** Results kept by attempts from this epoch on are used again. Default 0: all of them. */
  readonly resultsFrom?: number;
};

/**
 * Where a run's events go. An agent's worker, the in-process reporter of a plain script and a test implement it;
 * the engine knows no other way out.
 */
export interface RunHost {
  readonly run: RunIdentity;
  /** Takes one event: cheap, in order, never throws. The host batches. */
  event(event: RunEvent): void;
  /** Aborts when the run is to be cancelled. */
  readonly signal: AbortSignal;
  /** What pause points that this run has passed were given, by key. */
  readonly inputs?: Readonly<Record<string, unknown>>;
  /** Keys of pause points that nobody answered, as far as anybody knows: only those that need no answer in time are passed. */
  readonly lapsed?: readonly string[];
  /** Waits for someone to resume the run; resolves with what they gave. Absent where nobody could. */
  pause?(point: PausePoint, signal: AbortSignal | undefined): Promise<unknown>;
  /** Ends the process until someone resumes the run. */
  suspend?(point: PausePoint): void;
  /**
   * Takes a slot of each limit that is named, or whose tag is, for a task, waiting as long as it takes; resolves with what
   * gives them back. Absent: this host knows no limits.
   *
   * @throws the signal's reason when it aborts first
   */
  acquireSlots?(request: SlotRequest, signal: AbortSignal | undefined): Promise<() => void>;
  /** Tags that limits have: a task with others only needs no slot for them. */
  readonly limitedTags?: readonly string[];
  /** Whether what the run writes to `console` becomes part of its log, unless the flow says otherwise. Default: as the process does. */
  readonly capturesConsole?: boolean;
  /** The W3C `traceparent` of the call that triggered the run: its span is a child of that one. */
  readonly traceparent?: string;
  /** The way to the plane for code in this run; what it triggers there is the run's child. Absent: the profile's. */
  readonly remote?: RemotePlane;
  /** The run's id on the plane, where that is not `run.runId`; resolves with undefined when the run is not recorded. */
  readonly recordedRunId?: Promise<string | undefined>;
}

export type SlotRequest = {
  readonly taskRunId: string;
  readonly limitNames: readonly string[];
  readonly tags: readonly string[];
};

/** Something that happened in a run, as its host hears of it. */
export type RunEvent = TaskRunEvent | LogEvent | FlowStateEvent | ShownEvent;

/** A task run entered a state. Each event says everything known by then, so that the newest one stands alone. */
export type TaskRunEvent = {
  readonly kind: "task_run";
  readonly taskRunId: string;
  readonly taskName: string;
  /** The how-manieth run of this task name in the flow run, from 0. */
  readonly index: number;
  /** Rises with each event of this task run, from 0: the highest one stands. */
  readonly sequence: number;
  readonly state: { readonly type: StateType; readonly name: StateName; readonly at: string };
  readonly attempt: number;
  readonly startedAt?: string;
  readonly endedAt?: string;
  /** Task runs whose results this one was given. */
  readonly upstream: readonly string[];
  readonly error?: ErrorRecord;
  readonly renderedName?: string;
  /** Where its result is kept. */
  readonly result?: ResultPointer;
  /** A digest of what tells this call from others in the cache. */
  readonly cacheKey?: string;
};

/** Where a result is kept and how to read it. Leaves the machine sealed only. */
export type ResultPointer = {
  /** As the storage says it: `file:///…`, `s3://bucket/…`. */
  readonly location: string;
  readonly serializer: string;
  /** Size of the serialised result. */
  readonly bytes: number;
};

/** How much a line of the log matters. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** A line of the run's log. */
export type LogEvent = {
  readonly kind: "log";
  readonly at: string;
  readonly level: LogLevel;
  /** The task that speaks, or else the flow. */
  readonly logger: string;
  readonly text: string;
  readonly fields?: Record<string, unknown>;
  readonly taskRunId?: string;
};

/** Something that a run shows: in place of what it showed under the same key, or name, before. */
export type ShownEvent = ArtifactEvent | MetricEvent;

/** A version of an artifact. Leaves the machine sealed only. */
export type ArtifactEvent = {
  readonly kind: "artifact";
  readonly at: string;
  readonly key: string;
  readonly title?: string;
  /** Absent in a flow's own body. */
  readonly taskRunId?: string;
  readonly content: ArtifactContent;
};

/** A number that its author declares public. */
export type MetricEvent = {
  readonly kind: "metric";
  readonly name: string;
  readonly value: number;
};

/** Another attempt of the flow is about to start, or has started. The host itself reports how a run begins and ends. */
export type FlowStateEvent = {
  readonly kind: "flow_state";
  readonly state: { readonly type: "RUNNING"; readonly name: "Retrying" | "Running" };
  readonly attempt: number;
  readonly error?: ErrorRecord;
};

/** An error as data. `class` is an identifier and may be shown; the rest is sealed before it leaves the machine. */
export type ErrorRecord = {
  /** Matches `^[A-Za-z_$][\w$.]{0,63}$`. */
  readonly class: string;
  readonly message: string;
  readonly stack?: string;
  readonly cause?: ErrorRecord;
};

/**
 * How a run ended. `abandoned` is set when user code was still running then (it outlived a timeout): the process
 * should not be given another run.
 */
export type FlowOutcome = (
  | { readonly outcome: "completed"; readonly result?: ResultPointer }
  | {
      readonly outcome: "failed";
      readonly stateName: "Failed" | "TimedOut";
      readonly error: ErrorRecord;
    }
  | { readonly outcome: "cancelled" }
) & { readonly abandoned?: true };
