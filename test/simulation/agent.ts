import type { Fence } from "@downbeat/testkit/history";
import { AgentProcess, type AgentWorld } from "./agent-process.ts";
import { ClaimLoop } from "./claim-loop.ts";
import { HeartbeatLoop } from "./heartbeat-loop.ts";
import { RunTable, type HeldRun } from "./held-run.ts";
import { RunSupervisor } from "./run-supervisor.ts";
import { Session } from "./session.ts";
import { Shipper } from "./shipper.ts";
import type { Leased } from "./store.ts";

const HOUSEKEEPING_MS = 1_000;
const STALE_AFTER_MS = 5_000;
const DRAIN_LIMIT_MS = 400_000;
const LAST_DELIVERY_MS = 5_000;
const RELEASE_TIMEOUT_MS = 5_000;

/** One life of a simulated agent: apps/agent without processes, sealing and files. */
export class Agent {
  readonly process: AgentProcess;
  readonly #runs = new RunTable();
  readonly #session: Session;
  readonly #shipper: Shipper;
  readonly #supervisor: RunSupervisor;
  readonly #claims: ClaimLoop;
  readonly #beats: HeartbeatLoop;
  #isDraining = false;

  constructor(world: AgentWorld) {
    const process = new AgentProcess(world);
    const capacity = world.concurrency + world.prefetch;
    const runs = this.#runs;
    this.process = process;
    this.#session = new Session(process, capacity);
    this.#shipper = new Shipper(process, (item, status) => {
      if (status === "fenced" && runs.has(item)) this.#supervisor.fence(runs.get(item.runId));
      if (ENDS.has(item.type) || item.name === "Suspended") this.#forget(item);
    });
    this.#supervisor = new RunSupervisor({
      process,
      shipper: this.#shipper,
      onGone: (lease) => this.#forget(lease),
    });
    const session = this.#session;
    this.#beats = new HeartbeatLoop({
      process,
      session,
      runs,
      supervisor: this.#supervisor,
      isAsking: () => this.#claims.isAsking,
      carriedUntilMs: () => this.#claims.carriesUntilMs,
    });
    this.#claims = new ClaimLoop({
      process,
      session,
      runs,
      capacity,
      onLease: (lease) => this.#accept(lease),
      onEarlyAnswer: () => this.#beats.beatNow(),
      idleTick: () => (runs.size === 0 ? this.#beats.nextTick() : undefined),
    });
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** Settles what a predecessor left, delivers it, and only then declares its sessions over. */
  start(): void {
    const { disk, log, name } = this.process.world;
    log.event(name, "process", "started");
    for (const lease of disk.startedRuns.values()) this.#supervisor.reportLeftOver(lease);
    this.#shipper.whenEmpty(() =>
      this.#session.open([...disk.sessionIds], () => {
        this.#beats.start();
        this.#claims.start();
        this.#keepHouse();
      }),
    );
    this.#shipper.ship();
  }

  kill(): void {
    const { log, name } = this.process.world;
    this.process.kill();
    log.event(name, "process", "killed");
  }

  /** Stops claiming, gives back what has not begun, beats on until all is finished and delivered, then ends. */
  drain(onStopped: () => void): void {
    const { mutations, timeline } = this.process.world;
    this.#isDraining = true;
    if (!this.#session.isOpen) return this.#stop(onStopped);
    if (mutations.has("no_drain_beats")) this.#beats.stop();
    const killAtMs = timeline.nowMs + DRAIN_LIMIT_MS;
    this.#claims.stop((unseen) => {
      this.#giveBack(this.#runs.all(), unseen);
      this.#waitUntilIdle(killAtMs, () => this.#leave(onStopped));
    });
  }

  #waitUntilIdle(killAtMs: number, then: () => void): void {
    const { timeline, disk, mutations } = this.process.world;
    const isIdle = this.#runs.all().every(({ phase }) => phase === "over");
    if (!isIdle && timeline.nowMs >= killAtMs)
      for (const held of this.#runs.all()) this.#supervisor.crash(held);
    const isDelivered = disk.outbox.length === 0 || timeline.nowMs >= killAtMs + LAST_DELIVERY_MS;
    if (isIdle && (isDelivered || mutations.has("end_before_delivery"))) return then();
    this.process.after(HOUSEKEEPING_MS, () => this.#waitUntilIdle(killAtMs, then));
  }

  // With something undelivered the session stays: its lease lets a successor deliver before the runs are closed.
  #leave(onStopped: () => void): void {
    const { disk, mutations } = this.process.world;
    this.#beats.stop();
    const mayEnd = disk.outbox.length === 0 || mutations.has("end_before_delivery");
    if (!mayEnd) return this.#stop(onStopped);
    const { id } = this.#session;
    this.#release([], true, () => {
      disk.sessionIds.delete(id);
      this.#stop(onStopped);
    });
  }

  #stop(onStopped: () => void): void {
    const { log, name } = this.process.world;
    this.process.kill();
    log.event(name, "process", "stopped");
    onStopped();
  }

  #accept({ inputs, ...lease }: Leased): void {
    const { nowMs } = this.process.world.timeline;
    const held: HeldRun = {
      lease,
      leasedAtMs: nowMs,
      phase: "preparing",
      isCancelRequested: false,
      inputs: new Set(inputs),
    };
    this.#runs.add(held);
    this.#supervisor.take(held);
  }

  #forget(lease: Pick<Fence, "runId" | "epoch">): void {
    this.#runs.remove(lease);
    this.#claims.roomChanged();
  }

  #keepHouse(): void {
    const { nowMs } = this.process.world.timeline;
    const stale = this.#runs
      .all()
      .filter((held) => held.phase === "queued" && nowMs - held.leasedAtMs > STALE_AFTER_MS);
    if (!this.#isDraining && stale.length > 0) this.#giveBack(stale, []);
    this.process.after(HOUSEKEEPING_MS, () => this.#keepHouse());
  }

  #giveBack(runs: readonly HeldRun[], unseen: readonly Fence[]): void {
    const released = runs
      .filter((held) => this.#supervisor.release(held))
      .map(({ lease }) => lease);
    const leases = [...unseen, ...released];
    if (leases.length > 0) this.#release(leases, false, () => {});
  }

  #release(leases: readonly Fence[], endSession: boolean, then: () => void): void {
    const sessionId = this.#session.id;
    const input = { sessionId, runs: leases, endSession };
    const logged = {
      input: { sessionId, runIds: leases.map(({ runId }) => runId), endSession },
      toOutput: (answer: { released: number }) => answer,
    };
    this.process.ask({ op: "release", input, timeoutMs: RELEASE_TIMEOUT_MS, logged }, then);
  }
}

const ENDS = new Set<string>(["COMPLETED", "FAILED", "CRASHED", "CANCELLED"]);
