import type { Lease, RunInput } from "@downbeat/contract";
import type { Logger } from "pino";
import { attendRun } from "./attend-run.ts";
import type { CrashHooks } from "./crash-hooks.ts";
import { RunEgress, type EgressParts } from "./egress.ts";
import type { EndInProcess, RunEnd, WorkerProcess } from "./launchers/worker-process.ts";
import type { OomWatch } from "./oom-watch.ts";
import type { Pace } from "./pace.ts";
import type { RunPreparer } from "./prepare-run.ts";
import type { RunMessage } from "@downbeat/sdk/protocol";
import { ProcessStop, type StopGraces } from "./process-stop.ts";
import { ATTEMPT_GRACE_MS, RunDeadline } from "./run-deadline.ts";
import { CANCELLED, crashedBefore, endingOf, type Ending } from "./run-end.ts";
import type { ChildParts } from "./run-children.ts";
import { flowOf, takeProcess, type ProcessParts, type RunProcess } from "./run-process.ts";
import { RunOver } from "./run-over.ts";
import { RunPauses } from "./run-pauses.ts";
import type { SlotParts } from "./run-slots.ts";
import type { SignedWork } from "./signed-work.ts";
import type { StartGate } from "./start-gate.ts";
import type { StartReporter } from "./start-reporter.ts";

export type SupervisorParts = EgressParts &
  SlotParts &
  StopGraces &
  ProcessParts &
  ChildParts & {
    readonly logger: Logger;
    readonly preparer: RunPreparer;
    readonly gate: StartGate;
    readonly starts: StartReporter;
    readonly pace: Pace;
    readonly oomWatch: OomWatch;
    readonly crashHooks: CrashHooks;
    /** Remembers which signed triggers are used up; undefined: signatures are not asked for. */
    readonly signedWork?: Pick<SignedWork, "ended" | "forget" | "inputs"> | undefined;
  };

/** What became of a lease: `reported` means that its end is in the outbox. */
export type RunResult = "reported" | "dropped" | "released";

type StopReason = "cancel" | "fence" | "release" | "timeout";

/** One leased run, from lease to terminal report. */
export class RunSupervisor {
  readonly lease: Lease;
  readonly #parts: SupervisorParts;
  readonly #egress: RunEgress;
  /** Over once there is a {@link StopReason}. */
  readonly #stop = new RunOver();
  readonly #leasedAtMs = performance.now();
  #stopReason: StopReason | undefined;
  /** The process in which it has begun. */
  #worker: WorkerProcess | undefined;
  /** The process it was given to; before it begins there, other runs may be at work in it. */
  #waitsIn: WorkerProcess | undefined;
  #hasBegun = false;
  #isQueued = false;
  #isOver = false;
  #passedLimitMs: number | undefined;
  /** Made when first needed: most runs wait for nobody. */
  #pausesOpened: RunPauses | undefined;
  readonly #deadline: RunDeadline;
  readonly #processStop: ProcessStop;

  constructor(parts: SupervisorParts, lease: Lease) {
    this.#parts = parts;
    this.lease = lease;
    this.#egress = new RunEgress(parts, lease);
    this.#processStop = new ProcessStop(parts);
    this.#deadline = new RunDeadline({
      timeoutSeconds: lease.timeoutSeconds,
      graceMs: ATTEMPT_GRACE_MS,
      onOverdue: (limitMs) => this.#overdue(limitMs),
    });
  }

  /** Whether the plane has been told that it runs; before that the lease can be given back. */
  get hasBegun(): boolean {
    return this.#hasBegun;
  }

  /** Whether it is ready to start and waits for its turn. */
  get isQueued(): boolean {
    return this.#isQueued;
  }

  /** Whether nothing more happens here: at most the plane's acknowledgement is missing. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** The key of the pause point at which the process waits. */
  get awaits(): string | undefined {
    return this.#pausesOpened?.awaits;
  }

  waitedMs(): number {
    return performance.now() - this.#leasedAtMs;
  }

  /** Lives the run to its end. Never rejects: whatever happens becomes a report. */
  async live(): Promise<RunResult> {
    try {
      const end = await this.#untilEnd();
      return typeof end === "string" ? end : await this.#end(end);
    } catch (error) {
      // Nothing above is expected to throw; if it does, the run must still get an end.
      this.#parts.logger.error({ runId: this.lease.runId, err: error }, "supervising a run failed");
      return this.#end(crashedBefore({ class: "AgentFault", message: String(error) }));
    } finally {
      this.#isOver = true;
      this.#parts.signedWork?.forget(this.lease);
      this.#processStop.end();
      this.#deadline.stop();
    }
  }

  /** The plane asks to cancel: first the flow is told, then its process group gets SIGTERM, then SIGKILL. */
  cancel(): void {
    if (this.#stopReason !== undefined) return;
    this.#stopBecause("cancel");
    const { runId } = this.lease;
    if (this.#worker !== undefined) this.#processStop.begin(this.#worker, runId);
    else this.#waitsIn?.cancel(runId);
  }

  #overdue(limitMs: number): void {
    if (this.#stopReason !== undefined || this.#worker === undefined) return;
    this.#stopReason = "timeout";
    this.#passedLimitMs = limitMs;
    this.#processStop.begin(this.#worker, this.lease.runId, limitMs);
  }

  /** The lease is void: someone else may run it now. Stops at once and says nothing more. */
  fence(): void {
    if (this.#isOver) return;
    this.#egress.abandon();
    this.#stopBecause("fence");
    if (this.#worker !== undefined) this.#worker.signal("SIGKILL");
    else this.#waitsIn?.cancel(this.lease.runId);
  }

  /** Gives up a run that has not begun, because its lease is given back. False when it is too late for that. */
  release(): boolean {
    if (this.#hasBegun || this.#stopReason !== undefined) return false;
    this.#stopBecause("release");
    return true;
  }

  #stopBecause(reason: StopReason): void {
    this.#stopReason = reason;
    this.#stop.end();
    this.#parts.gate.giveUp(this);
  }

  /** Someone resumed the run. */
  resume(given: RunInput): Promise<void> {
    return this.#pauses.resume(given);
  }

  /** Kills the process group; the run ends as crashed. */
  kill(): void {
    this.#worker?.signal("SIGKILL");
  }

  async #untilEnd(): Promise<Ending | RunResult> {
    const { preparer, gate } = this.#parts;
    const prepared = await preparer.prepare(this.lease, this.#stop).catch((error: unknown) => {
      if (this.#stopReason === undefined) throw error;
      return undefined;
    });
    if (prepared === undefined) return this.#stopped();
    if ("ending" in prepared) return prepared.ending;
    const { lapsed, refused } = prepared.inputs;
    if (lapsed.length + refused.length > 0) this.#pauses.screened(prepared.inputs);
    if (this.#stopReason !== undefined) return this.#stopped();
    this.#isQueued = true;
    if (!(await gate.enter(this))) return this.#stopped();
    return this.#begin(prepared.message).finally(() => gate.leave());
  }

  /** From the announcement to the end of user code: either how it ended, or why the lease came to nothing. */
  async #begin(message: RunMessage): Promise<Ending | RunResult> {
    const { starts, journal, pace } = this.#parts;
    this.#hasBegun = true;
    this.#isQueued = false;
    const askedAtMs = performance.now();
    const [outcome] = await Promise.all([
      starts.announce(this.lease),
      journal.runStarted(this.lease),
    ]);
    pace.announced(performance.now() - askedAtMs);
    if (outcome.state?.type === "CANCELLING") this.#stopReason ??= "cancel";
    if (this.#stopReason !== undefined) return this.#stopped();
    if (outcome.status !== "accepted") return this.#drop(outcome.status);
    const end = await this.#execute(message);
    pace.runEnded();
    return end;
  }

  async #execute(message: RunMessage): Promise<Ending | RunResult> {
    for (;;) {
      let taken: RunProcess;
      try {
        taken = await takeProcess(this.#parts, this.lease);
      } catch (error) {
        const text = error instanceof Error ? error.message : String(error);
        return crashedBefore({ class: "LaunchError", message: text });
      }
      if (this.#stopReason !== undefined) {
        taken.giveBack();
        return this.#stopped();
      }
      const end = await this.#runIn(taken.worker, message);
      taken.giveBack();
      if (this.#stopReason === "fence") return this.#drop("fenced");
      if (end.kind !== "returned") return this.#endingOf(end, taken);
      // It has not begun there: another process takes it, unless it was stopped meanwhile.
      if (this.#stopReason !== undefined) return this.#stopped();
    }
  }

  async #runIn(worker: WorkerProcess, message: RunMessage): Promise<RunEnd> {
    const attendance = attendRun(this.#parts, {
      lease: this.lease,
      message,
      worker,
      egress: this.#egress,
      deadline: this.#deadline,
      onBegun: () => this.#begun(worker),
      onPaused: (point) => this.#pauses.paused(point),
    });
    this.#waitsIn = worker;
    const end = await worker.run(message, attendance.listener);
    this.#waitsIn = undefined;
    this.#worker = undefined;
    attendance.close();
    this.#parts.briefFlows.ended(flowOf(this.lease), end, attendance.hasPrinted());
    return end;
  }

  /** Its process has come to it. What was to happen to it before happens now. */
  #begun(worker: WorkerProcess): void {
    this.#worker = worker;
    if (this.#stopReason === "fence") worker.signal("SIGKILL");
    else if (this.#stopReason !== undefined) this.#processStop.begin(worker, this.lease.runId);
  }

  async #endingOf(end: EndInProcess, taken: RunProcess): Promise<Ending> {
    const isKilled = end.kind === "exited" && end.signal === "SIGKILL";
    const oomKilled = isKilled && (await this.#parts.oomWatch.struck());
    const ending = endingOf(end, {
      isCancelRequested: this.#stopReason === "cancel",
      passedLimitMs: this.#passedLimitMs,
      leaseEnded: taken.isLeaseEnded(),
      oomKilled,
    });
    return ending.pause === undefined ? ending : this.#pauses.ending(ending);
  }

  get #pauses(): RunPauses {
    this.#pausesOpened ??= new RunPauses(this.#parts, {
      lease: this.lease,
      egress: this.#egress,
      stop: this.#stop,
      handOver: (given) => this.#worker?.resume(this.lease.runId, given),
      kill: () => this.kill(),
    });
    return this.#pausesOpened;
  }

  /** The run was stopped before user code began. */
  async #stopped(): Promise<Ending | RunResult> {
    if (this.#stopReason === "cancel") return CANCELLED;
    if (this.#stopReason === "release") return "released";
    return this.#drop("fenced");
  }

  async #end(ending: Ending): Promise<RunResult> {
    const { signedWork, crashHooks } = this.#parts;
    const completed = ending.type === "COMPLETED";
    const used = signedWork?.ended(this.lease, { completed }) ?? [];
    const isCrash = ending.type === "CRASHED";
    await (isCrash ? crashHooks.after(ending, this.#egress, used) : this.#egress.end(ending, used));
    return "reported";
  }

  async #drop(status: string): Promise<RunResult> {
    const { runId, epoch } = this.lease;
    this.#parts.logger.warn(
      { runId, epoch, status },
      "the lease is void; the run is left to whoever holds it now",
    );
    this.#egress.abandon();
    await this.#parts.journal.forget(runId);
    return "dropped";
  }
}
