import type { PausePoint } from "../pause-point.ts";
import type { TriggerRequest } from "../remote/remote-plane.ts";
import type { ErrorRecord, FlowOutcome, RunEvent } from "../run-host.ts";

/**
 * Asks a worker to run a flow. A worker runs one at a time; further ones wait their turn. Short ones are given ahead, so that
 * the worker need not be woken for each: as long as such a run has not begun, the agent may count on having it back.
 */
export type RunMessage = {
  readonly type: "run";
  readonly runId: string;
  /** Of runs that are given ahead, one behind the other, and of the run before them: ended as one, see {@link SeriesEndedMessage}. */
  readonly series?: number;
  /**
   * Given ahead: the worker says that it begins before it does, and begins only while this time has not come after that was
   * said. In milliseconds of the monotonic clock that all processes of a machine share.
   */
  readonly beginByMs?: number;
  readonly epoch: number;
  /** The attempt that starts now, from 1. */
  readonly attempt: number;
  readonly flowName: string;
  readonly deployment?: string;
  readonly workspaceId?: string;
  /** Absolute path of the module that exports the flow. */
  readonly modulePath: string;
  readonly exportName: string;
  readonly parameters: unknown;
  /** Results kept by attempts from this epoch on are used again. Default 0: all of them. */
  readonly resultsFrom?: number;
  /** Tags that limits have: tasks with one of them ask for slots. Default: none. */
  readonly limitedTags?: readonly string[];
  /** What pause points that earlier attempts passed were given, by key. */
  readonly inputs?: Readonly<Record<string, unknown>>;
  /** Keys of pause points that were given nothing, by nobody: passed only where the flow goes on without input in time. */
  readonly lapsed?: readonly string[];
  /** Asks for `started` although the flow has no limit of its own: the agent keeps one from then on. */
  readonly tellsStart?: boolean;
  /** What the run writes to `console` becomes part of its log, unless the flow says otherwise. Default: as its module has it. */
  readonly capturesConsole?: boolean;
  /** The W3C `traceparent` of the call that triggered the run. */
  readonly traceparent?: string;
  /** The process that ran this attempt is gone, for this: calls the flow's `onCrashed` hooks, and not the flow. */
  readonly crashed?: ErrorRecord;
};

/** Runs that are given ahead, in order. */
export type RunsMessage = { readonly type: "runs"; readonly runs: readonly RunMessage[] };

/** Someone resumed a run whose process waits at this pause point. */
export type InputMessage = {
  readonly type: "input";
  readonly runId: string;
  readonly key: string;
  readonly input: unknown;
};

/** Aborts the run's signal, or drops the run when it has not begun. The worker answers `finished` either way. */
export type CancelMessage = {
  readonly type: "cancel";
  readonly runId: string;
  /** It has passed its deployment's time limit, or its own: it is not cancelled, but has failed. */
  readonly passedLimitMs?: number;
};

/** The slots that the run's task asked for are taken. */
export type SlotsGrantedMessage = {
  readonly type: "slots_granted";
  readonly runId: string;
  readonly requestId: string;
};

/** The answer to a {@link RemoteCallMessage}: its value, or why there is none. */
export type RemoteAnswerMessage = {
  readonly type: "remote_answer";
  readonly runId: string;
  readonly requestId: string;
  readonly value?: unknown;
  readonly refusal?: { readonly code: string; readonly message: string };
};

/** Finish what was given, then exit with code 0. */
export type StopMessage = { readonly type: "stop" };

/** Agent to worker, over `fork` with `serialization: "advanced"`. */
export type ToWorker =
  | RunMessage
  | RunsMessage
  | CancelMessage
  | InputMessage
  | SlotsGrantedMessage
  | RemoteAnswerMessage
  | StopMessage;

/** Sent once, when the worker can take runs. */
export type ReadyMessage = { readonly type: "ready"; readonly pid: number };

/**
 * User code is about to be called: the module is loaded and the flow was found. Sent only where a limit counts from here,
 * logs are not to be compressed or the flow has hooks for a crash: most have none of it, and a message costs both sides as
 * much as a short run. `timeoutMs` is the flow's limit for one attempt. The worker enforces it while its event loop turns; against a loop that never yields only the agent can.
 */
export type StartedMessage = {
  readonly type: "started";
  readonly runId: string;
  readonly timeoutMs?: number;
  readonly compressLogs?: false;
  /** Should this process die, another is to be asked to call its hooks: see {@link RunMessage.crashed}. */
  readonly hearsCrash?: true;
};

/** What happened in a run since the last batch, in order. All of it comes before `finished`. */
export type EventsMessage = {
  readonly type: "events";
  readonly runId: string;
  readonly events: readonly RunEvent[];
};

/** The flow waits for someone to resume it. */
export type PausedMessage = {
  readonly type: "paused";
  readonly runId: string;
  readonly point: PausePoint;
};

/** How a run left its process: it ended, or it waits without one. */
export type RunOutcome =
  | FlowOutcome
  | { readonly outcome: "suspended"; readonly pause: PausePoint; readonly abandoned: true };

/**
 * The run is over. When `outcome.abandoned` is set, user code still runs in this process: replace the worker.
 */
export type FinishedMessage = {
  readonly type: "finished";
  readonly runId: string;
  readonly outcome: RunOutcome;
  /** From its beginning to its end, in milliseconds; absent of a run that has not begun. */
  readonly tookMs?: number;
  /** The run that begins now, of those given ahead. */
  readonly next?: GivenAhead;
};

/** A run as it was given ahead: it may come back and be given again. */
export type GivenAhead = { readonly runId: string; readonly series: number };

/** A run that was given ahead begins, and none that ended right before it could say so. */
export type BeginsMessage = GivenAhead & { readonly type: "begins" };

/**
 * No run of this series that has not begun will begin here. Sent when one came too late, when user code outlived its run, and
 * after a run that printed: what the next one prints could not be told from it.
 */
export type SeriesEndedMessage = {
  readonly type: "series_ended";
  readonly series: number;
  /** The run that came too late after it was said to begin: it does not. */
  readonly late?: string;
};

/** A task waits for a slot of each of these limits, and of those that have one of these tags. The agent answers `slots_granted`, in its time. */
export type AcquireSlotsMessage = {
  readonly type: "acquire_slots";
  readonly runId: string;
  readonly requestId: string;
  readonly taskRunId: string;
  readonly limitNames: readonly string[];
  readonly tags: readonly string[];
};

/** The task is done with its slots, or does not want them any more. */
export type ReleaseSlotsMessage = {
  readonly type: "release_slots";
  readonly runId: string;
  readonly requestId: string;
};

/** What code in a run wants of the plane: runs triggered, or the states of runs that it has triggered. */
export type RemoteCall =
  | { readonly kind: "trigger"; readonly requests: readonly TriggerRequest[] }
  | { readonly kind: "read"; readonly runIds: readonly string[] };

/** The agent answers `remote_answer`, in its time. */
export type RemoteCallMessage = {
  readonly type: "remote_call";
  readonly runId: string;
  readonly requestId: string;
  readonly call: RemoteCall;
};

/** Worker to agent. */
export type FromWorker =
  | ReadyMessage
  | StartedMessage
  | EventsMessage
  | PausedMessage
  | AcquireSlotsMessage
  | ReleaseSlotsMessage
  | RemoteCallMessage
  | BeginsMessage
  | SeriesEndedMessage
  | FinishedMessage;
