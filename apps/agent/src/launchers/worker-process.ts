import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { RemoteAnswerMessage, RunMessage, ToWorker } from "@downbeat/sdk/protocol";
import type { PausePoint } from "@downbeat/contract";
import { signalGroup } from "../process-group.ts";
import { LaunchError } from "./launcher.ts";
import { GatheredRuns } from "./gathered-runs.ts";
import { GivenRuns, type GivenRun } from "./given-runs.ts";
import { ProcessOutput, type OutputStream } from "./process-output.ts";
import {
  readWorkerMessage,
  type WorkerEvent,
  type WorkerMessage,
  type WorkerOutcome,
} from "./worker-message.ts";

export type WorkerOptions = {
  /** The SDK's worker entry. */
  readonly entryPath: string;
  /** Node's own options for the child. */
  readonly execArgv: readonly string[];
  /** File URLs of modules that let the child import TypeScript, registered in this order. */
  readonly tsLoaderUrls: readonly string[];
  readonly projectDirectory: string;
  /** The whole environment of the child: no key and no credentials belong in it. */
  readonly environment: Readonly<Record<string, string>>;
  /** How long a child may take until it can work. */
  readonly readyTimeoutMs: number;
  /** How long a run that is given to a process ahead may wait there. Default 100 ms. */
  readonly beginWithinMs?: number;
  /** Is told of each process, before it takes a run, and of its end. */
  readonly onStart?: (pid: number) => Promise<void>;
  readonly onExit?: (pid: number) => Promise<void>;
};

export type { OutputStream } from "./process-output.ts";

/** Hears what a run does, in order, all of it before the run's end is known. */
export type RunListener = {
  events(events: readonly WorkerEvent[], refused: number): void;
  line(stream: OutputStream, text: string): void;
  /** It begins, or has just begun; at once unless it was given ahead. */
  begun?(): void;
  /**
   * User code begins. `timeoutMs` is the flow's own limit for one attempt; `compressLogs` is false when it says so;
   * `hearsCrash` is true when it has hooks for that.
   */
  started?(start: {
    timeoutMs?: number | undefined;
    compressLogs?: boolean | undefined;
    hearsCrash?: boolean | undefined;
  }): void;
  /** The flow waits for someone to resume it. */
  paused?(point: PausePoint): void;
  /** A task waits for slots; answered with {@link WorkerProcess.grantSlots}. */
  acquireSlots?(request: SlotRequest): void;
  releaseSlots?(requestId: string): void;
  /** Code in the run wants something of the plane; answered with {@link WorkerProcess.answerRemote}. */
  remoteCall?(request: RemoteCallRequest): void;
};

export type RemoteCallRequest = { readonly requestId: string; readonly call: unknown };

export type SlotRequest = {
  readonly requestId: string;
  readonly taskRunId: string;
  readonly limitNames: readonly string[];
  readonly tags: readonly string[];
};

export type ProcessExit = {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  /** V8 said so on stderr before it aborted. */
  readonly heapExhausted: boolean;
};

/** An end of a run that has begun. */
export type EndInProcess = Exclude<RunEnd, { kind: "returned" }>;

type FinishedMessage = Extract<WorkerMessage, { type: "finished" }>;

export type RunEnd =
  | { readonly kind: "finished"; readonly outcome: WorkerOutcome; readonly tookMs: number }
  | ({ readonly kind: "exited" } & ProcessExit)
  /** It was given ahead, has not begun and will not begin here. */
  | { readonly kind: "returned" };

const BEGIN_WITHIN_MS = 100;

/** A child process that runs flows, one at a time, leading a process group of its own. */
export class WorkerProcess {
  readonly pid: number;
  /** Runs given to it so far. */
  runs = 0;
  /** Whether runs may be given to it ahead, behind the one that is at work. */
  takesMore = false;
  readonly #child: ChildProcess;
  readonly #given: GivenRuns;
  readonly #output = new ProcessOutput({
    onLine: (stream, text) => this.#given.newest?.listener.line(stream, text),
    mayPrecede: () => this.#given.size > 1,
  });
  readonly #exited: Promise<ProcessExit>;
  #exit: ProcessExit | undefined;
  #isSound = true;
  readonly #unsent = new GatheredRuns((message) => this.#write(message));

  private constructor(child: ChildProcess, pid: number, beginWithinMs: number) {
    this.#given = new GivenRuns({ nowMs: monotonicMs, beginWithinMs });
    this.#child = child;
    this.pid = pid;
    this.#exited = this.#watchExit();
    child.on("message", (raw) => this.#receive(raw));
    for (const stream of ["stdout", "stderr"] as const) {
      child[stream]?.on("data", (chunk: Buffer) => this.#output.hear(stream, chunk));
    }
  }

  /**
   * Starts a child and waits until it can take runs.
   *
   * @throws LaunchError
   */
  static async start(options: WorkerOptions): Promise<WorkerProcess> {
    const child = fork(
      options.entryPath,
      options.tsLoaderUrls.flatMap((url) => ["--ts-loader", url]),
      {
        cwd: options.projectDirectory,
        env: { ...options.environment },
        execArgv: [...options.execArgv],
        serialization: "advanced",
        // Its own group: Ctrl-C in the agent's terminal does not reach it, and a signal reaches all it has started.
        detached: true,
        stdio: ["ignore", "pipe", "pipe", "ipc"],
      },
    );
    if (child.pid === undefined) {
      const [cause] = await once(child, "error");
      throw new LaunchError("The operating system did not start a process for the flow.", cause);
    }
    const worker = new WorkerProcess(child, child.pid, options.beginWithinMs ?? BEGIN_WITHIN_MS);
    void worker.exited.then(() => options.onExit?.(worker.pid));
    await Promise.all([worker.#untilReady(options.readyTimeoutMs), options.onStart?.(worker.pid)]);
    return worker;
  }

  /** Whether it may be given another run. */
  get isSound(): boolean {
    return this.#isSound;
  }

  /** Runs one flow to its end. Never rejects: a process that dies is an end too. */
  run(message: RunMessage, listener: RunListener): Promise<RunEnd> {
    this.runs += 1;
    if (this.#exit !== undefined) return Promise.resolve({ kind: "returned" });
    return new Promise((resolve) => {
      const given = { runId: message.runId, listener, resolve };
      const { series, beginByMs } = this.#given.add(given);
      // Not spread: of an object with so many fields that takes ten times as long.
      if (beginByMs !== undefined) this.#unsent.add(Object.assign({ series, beginByMs }, message));
      else this.#send(this.takesMore ? { ...message, series } : message);
    });
  }

  /** @param passedLimitMs the time limit for which the run is stopped; undefined: it was cancelled */
  cancel(runId: string, passedLimitMs?: number): void {
    this.#send({ type: "cancel", runId, ...(passedLimitMs !== undefined && { passedLimitMs }) });
  }

  /** Hands a paused run what someone gave. */
  resume(runId: string, given: { readonly key: string; readonly input: unknown }): void {
    this.#send({ type: "input", runId, ...given });
  }

  /** Tells a task of the run that it has its slots. */
  grantSlots(runId: string, requestId: string): void {
    this.#send({ type: "slots_granted", runId, requestId });
  }

  /** Hands the run what the plane answered to a call of its code. */
  answerRemote(answer: Omit<RemoteAnswerMessage, "type">): void {
    this.#send({ type: "remote_answer", ...answer });
  }

  /** Signals the child and everything it has started in its group. */
  signal(signal: NodeJS.Signals): void {
    this.#isSound = false;
    signalGroup(this.pid, signal);
  }

  /** Lets an idle child exit by itself; kills its group when it does not within `graceMs`, at once when that is 0. */
  async stop(graceMs: number): Promise<void> {
    this.#isSound = false;
    if (graceMs === 0) {
      this.signal("SIGKILL");
      await this.#exited;
      return;
    }
    const timer = setTimeout(() => this.signal("SIGKILL"), graceMs);
    this.#send({ type: "stop" });
    await this.#exited;
    clearTimeout(timer);
  }

  get exited(): Promise<ProcessExit> {
    return this.#exited;
  }

  async #untilReady(timeoutMs: number): Promise<void> {
    const ready = new Promise<"ready">((resolve) =>
      this.#child.once("message", () => resolve("ready")),
    );
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<"late">((resolve) => {
      timer = setTimeout(() => resolve("late"), timeoutMs);
    });
    const first = await Promise.race([ready, late, this.#exited]);
    clearTimeout(timer);
    if (first === "ready") return;
    this.signal("SIGKILL");
    throw new LaunchError(
      first === "late"
        ? `The process for the flow was not ready within ${timeoutMs} ms.`
        : `The process for the flow ended before it was ready (exit code ${first.exitCode}, signal ${first.signal}).`,
    );
  }

  async #watchExit(): Promise<ProcessExit> {
    const closed = once(this.#child, "close");
    const [exitCode, signal] = (await once(this.#child, "exit")) as [
      number | null,
      NodeJS.Signals | null,
    ];
    this.#isSound = false;
    // What it started must not outlive it; and a grandchild would hold its output open.
    signalGroup(this.pid, "SIGKILL");
    // Output and messages it managed to send are still on their way. A process that left the group may hold the pipes.
    await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, 1_000))]);
    this.#output.end();
    this.#exit = { exitCode, signal, heapExhausted: this.#output.heapExhausted };
    this.#given.exited(this.#exit);
    return this.#exit;
  }

  #receive(raw: unknown): void {
    const message = readWorkerMessage(raw);
    if (message === undefined || message.type === "ready") return;
    if (message.type === "series_ended") return this.#given.seriesEnded(message);
    const run = this.#given.find(message.runId);
    if (run === undefined) return;
    const { listener } = run;
    if (message.type === "begins") this.#given.begins(message);
    else if (message.type === "started") listener.started?.(message);
    else if (message.type === "paused") listener.paused?.(message.point);
    else if (message.type === "events") listener.events(message.events, message.refused);
    else if (message.type === "acquire_slots") listener.acquireSlots?.(message);
    else if (message.type === "release_slots") listener.releaseSlots?.(message.requestId);
    else if (message.type === "remote_call") listener.remoteCall?.(message);
    else if (message.type === "finished") this.#finish(run, message);
  }

  #finish(run: GivenRun, { outcome, tookMs, next }: FinishedMessage): void {
    if (outcome.abandoned === true) this.#isSound = false;
    run.outcome = { outcome, tookMs };
    if (next !== undefined) this.#given.begins(next);
    // Another begins only after a run that printed nothing: there is nothing to wait for.
    if (this.#given.newest !== run)
      return this.#given.end(run, { kind: "finished", outcome, tookMs });
    // Pipes are written synchronously, so all the run printed is in them now: one more turn of the loop reads it.
    setImmediate(() =>
      setImmediate(() => {
        if (!this.#given.has(run)) return;
        this.#output.end();
        this.#given.end(run, { kind: "finished", outcome, tookMs });
      }),
    );
  }

  #send(message: ToWorker): void {
    this.#unsent.flush();
    this.#write(message);
  }

  #write(message: ToWorker): void {
    if (!this.#child.connected) return; // it is gone; its exit ends the run
    this.#child.send(message, (error) => {
      // The channel broke between the check and the write: the same as above.
      if (error !== null) this.#isSound = false;
    });
  }
}

function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
