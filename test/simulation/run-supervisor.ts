import type { PausePoint, StateName, StateReasonCode, StateType } from "@downbeat/contract";
import type { Fence } from "@downbeat/testkit/history";
import type { AgentProcess } from "./agent-process.ts";
import type { HeldRun } from "./held-run.ts";
import { report, type Shipper } from "./shipper.ts";
import type { ReportedTransition } from "./store.ts";

type Step = {
  readonly type: StateType;
  readonly name: StateName;
  readonly reason: StateReasonCode;
  readonly pause?: PausePoint;
};

const RUNNING: Step = { type: "RUNNING", name: "Running", reason: "started" };
const RETRYING: Step = { type: "RUNNING", name: "Retrying", reason: "retrying" };
const COMPLETED: Step = { type: "COMPLETED", name: "Completed", reason: "completed" };
const PAUSED = { type: "PAUSED", name: "Paused", reason: "pause_requested" } as const;
const SUSPENDED = { type: "PAUSED", name: "Suspended", reason: "suspend_requested" } as const;
const CANCELLED: Step = { type: "CANCELLED", name: "Cancelled", reason: "cancelled" };
const RESTARTED: Step = { type: "CRASHED", name: "Crashed", reason: "agent_restarted" };
const KILLED: Step = { type: "CRASHED", name: "Crashed", reason: "process_killed" };
const ENDINGS: readonly [Step, ...Step[]] = [
  COMPLETED,
  COMPLETED,
  { type: "FAILED", name: "Failed", reason: "failed" },
  { type: "CRASHED", name: "Crashed", reason: "process_exited" },
];

const LONGEST_PREPARATION_MS = 2_000;
const LONGEST_CANCEL_MS = 8_000;
const LONGEST_PATIENCE_MS = 60_000;

export type SupervisorParts = {
  readonly process: AgentProcess;
  readonly shipper: Shipper;
  /** The lease is of no use any more. */
  readonly onGone: (lease: Fence) => void;
};

/** Lives leases through: prepare, wait for a place, announce, run, report. */
export class RunSupervisor {
  readonly #parts: SupervisorParts;
  readonly #queue: HeldRun[] = [];
  #inside = 0;

  constructor(parts: SupervisorParts) {
    this.#parts = parts;
  }

  take(held: HeldRun): void {
    const { process } = this.#parts;
    process.after(process.world.random.between(1, LONGEST_PREPARATION_MS), () => {
      if (held.phase !== "preparing") return;
      held.phase = "queued";
      this.#queue.push(held);
      this.#admit();
    });
  }

  /** Gives up a run that has not begun. False when it is too late for that. */
  release(held: HeldRun): boolean {
    if (held.phase !== "preparing" && held.phase !== "queued") return false;
    held.phase = "over";
    this.#parts.onGone(held.lease);
    return true;
  }

  cancel(held: HeldRun | undefined): void {
    if (held === undefined || held.isCancelRequested || held.phase === "over") return;
    held.isCancelRequested = true;
    const { process } = this.#parts;
    if (held.phase === "preparing" || held.phase === "queued") this.#end(held, CANCELLED);
    else if (held.phase === "running")
      process.after(process.world.random.between(1, LONGEST_CANCEL_MS), () =>
        this.#finish(held, CANCELLED),
      );
  }

  /** The lease is void: stops at once and says nothing more. */
  fence(held: HeldRun | undefined): void {
    if (held === undefined || held.phase === "over") return;
    const wasInside = held.phase === "announcing" || held.phase === "running";
    held.phase = "over";
    this.#forget(held);
    if (wasInside) this.#leave();
  }

  /** Kills the flow's process. */
  crash(held: HeldRun): void {
    this.#finish(held, KILLED);
  }

  /** Puts the end of a run into the outbox that a predecessor had started. */
  reportLeftOver(lease: Fence): void {
    const { process } = this.#parts;
    process.world.disk.putEnd(this.#transition(lease, RESTARTED));
  }

  #admit(): void {
    const { concurrency } = this.#parts.process.world;
    while (this.#inside < concurrency) {
      const held = this.#queue.shift();
      if (held === undefined) return;
      if (held.phase !== "queued") continue;
      this.#inside += 1;
      this.#begin(held);
    }
  }

  #leave(): void {
    this.#inside -= 1;
    this.#admit();
  }

  #begin(held: HeldRun): void {
    held.phase = "announcing";
    this.#parts.process.world.disk.startedRuns.set(held.lease.runId, held.lease);
    this.#announce(held, this.#transition(held.lease, RUNNING), 0);
  }

  #announce(held: HeldRun, item: ReportedTransition, failures: number): void {
    const { process } = this.#parts;
    report(process, [item], (outcomes) => {
      if (held.phase !== "announcing") return;
      const outcome = outcomes?.[0];
      if (outcome === undefined)
        return void process.backOff(failures, () => this.#announce(held, item, failures + 1));
      if (outcome.stands === "CANCELLING" || held.isCancelRequested) this.#finish(held, CANCELLED);
      else if (outcome.status === "accepted") this.#execute(held);
      else this.fence(held);
    });
  }

  /** Someone gave what its process waits for. */
  resume(held: HeldRun | undefined, key: string): void {
    if (held === undefined || held.phase !== "running" || held.awaits !== key) return;
    held.awaits = undefined;
    held.inputs.add(key);
    this.#goOn(held);
  }

  #execute(held: HeldRun): void {
    const { process, shipper } = this.#parts;
    const { random, disk } = process.world;
    held.phase = "running";
    const durationMs = random.chance(0.2)
      ? random.between(60_000, 240_000)
      : random.between(10, 20_000);
    process.after(durationMs, () => this.#goOn(held));
    if (!random.chance(0.2)) return;
    process.after(durationMs / 2, () => {
      if (held.phase !== "running") return;
      disk.outbox.push(this.#transition(held.lease, RETRYING));
      shipper.ship();
    });
  }

  /** Passes every pause point that was given something; waits at the next, or ends. */
  #goOn(held: HeldRun): void {
    if (held.phase !== "running") return;
    const { process } = this.#parts;
    const { random, scripts } = process.world;
    const stop = scripts.of(held.lease.runId).find(({ point }) => !held.inputs.has(point.key));
    if (stop === undefined) return this.#finish(held, random.pick(ENDINGS));
    const { point, suspends, losesPatience } = stop;
    if (suspends) return this.#finish(held, { ...SUSPENDED, pause: point });
    held.awaits = point.key;
    process.world.disk.outbox.push(this.#transition(held.lease, { ...PAUSED, pause: point }));
    this.#parts.shipper.ship();
    if (losesPatience)
      process.after(random.between(1, LONGEST_PATIENCE_MS), () => {
        if (held.awaits === point.key) this.#finish(held, COMPLETED);
      });
  }

  #finish(held: HeldRun, step: Step): void {
    if (held.phase !== "running" && held.phase !== "announcing") return;
    const isTooLate = step.name === "Suspended" && held.isCancelRequested;
    this.#end(held, isTooLate ? CANCELLED : step);
    this.#leave();
  }

  // The lease stays in the table until the plane has acknowledged its end.
  #end(held: HeldRun, step: Step): void {
    const { process, shipper } = this.#parts;
    held.phase = "over";
    held.awaits = undefined;
    process.world.disk.putEnd(this.#transition(held.lease, step));
    shipper.ship();
  }

  #forget({ lease }: HeldRun): void {
    const { process, onGone } = this.#parts;
    const { startedRuns } = process.world.disk;
    if (startedRuns.get(lease.runId)?.epoch === lease.epoch) startedRuns.delete(lease.runId);
    onGone(lease);
  }

  #transition({ runId, epoch, leaseToken }: Fence, step: Step): ReportedTransition {
    const transitionId = this.#parts.process.world.random.uuid();
    return { runId, epoch, leaseToken, transitionId, ...step };
  }
}
