import type { Client } from "@downbeat/client";
import type { Lease } from "@downbeat/contract";
import { ClaimLoop, HeartbeatLoop, ReplayGuard } from "@downbeat/sdk/protocol";
import type { Logger } from "pino";
import { ClaimRoom } from "./claim-room.ts";
import { holdsWithin, release } from "./drain.ts";
import type { Launcher } from "./launchers/launcher.ts";
import type { Outbox } from "./outbox.ts";
import type { PlaneWatch } from "./plane-watch.ts";
import { NETWORK_BACKOFF } from "./retrying.ts";
import { RunSupervisor, type SupervisorParts } from "./run-supervisor.ts";
import type { RunTable } from "./run-table.ts";
import type { Session } from "./session.ts";
import type { Shipper } from "./shipper.ts";

export type AgentParts = {
  readonly agentId: string;
  readonly client: Client;
  readonly session: Session;
  readonly runs: RunTable;
  readonly outbox: Outbox;
  readonly shipper: Shipper;
  readonly launcher: Launcher;
  readonly supervisor: SupervisorParts;
  readonly logger: Logger;
  readonly watch: PlaneWatch;
  readonly concurrency: number;
  readonly prefetch: number;
  readonly drainSeconds: number;
  /** Aborts what waits for the plane when the agent stops. */
  readonly stopping: AbortController;
  /** Closes store and connection. */
  readonly close: () => Promise<void>;
};

/** How long a kill may take to become a delivered report before the agent exits; what is left waits in the outbox. */
const LAST_DELIVERY_MS = 5_000;
// A run fetched ahead that has waited this long is given back: another agent may have a free process.
const STALE_AFTER_MS = 5_000;
const HOUSEKEEPING_MS = 1_000;
// While the plane is away heartbeats are what finds out that it is back.
const AWAY_BEAT_MS = 5_000;

/** A running agent. */
export class Agent {
  readonly #parts: AgentParts;
  readonly #claims: ClaimLoop;
  readonly #beats: HeartbeatLoop;
  readonly #replays = new ReplayGuard();
  readonly #killed = new AbortController();
  readonly #housekeeping: NodeJS.Timeout;
  #ticks = 0;
  #stopped: Promise<void> | undefined;

  constructor(parts: AgentParts) {
    this.#parts = parts;
    const onDrain = () => void this.stop();
    const tick = () => this.#ticks + this.#claims.turns + parts.shipper.delivered;
    const room = new ClaimRoom({ ...parts, pace: parts.supervisor.pace });
    this.#claims = new ClaimLoop({
      ...parts,
      backoff: NETWORK_BACKOFF,
      room: () => room.now(),
      roomChange: (signal) => room.change(signal),
      holds: (lease) => parts.runs.has(lease),
      onLease: (lease) => this.#accept(lease),
      onEarlyAnswer: () => this.#beats.beatNow(),
      idleTick: () => (parts.runs.size === 0 ? tick() : undefined),
      onCarried: (carried, sentAtMs) => this.#beats.carried(carried, sentAtMs),
      onDrain,
    });
    this.#beats = new HeartbeatLoop({
      ...parts,
      tick,
      awayBeatMs: AWAY_BEAT_MS,
      isAsking: () => this.#claims.isAsking,
      carriedUntilMs: () => this.#claims.carriesUntilMs,
      onDrain,
      onRenewed: (sentAtMs, leaseSeconds) =>
        parts.supervisor.leaseGuard.renewed(sentAtMs, leaseSeconds),
    });
    this.#housekeeping = setInterval(() => this.#keepHouse(), HOUSEKEEPING_MS);
    this.#claims.start();
    this.#beats.start();
  }

  get agentId(): string {
    return this.#parts.agentId;
  }

  get sessionId(): string {
    return this.#parts.session.id;
  }

  /** Leases held now. */
  get activeRuns(): number {
    return this.#parts.runs.size;
  }

  /**
   * Stops claiming, gives back what has not begun, lets running flows finish within the drain time, delivers, ends the
   * session and closes. Calling it again changes nothing.
   */
  stop(): Promise<void> {
    this.#stopped ??= this.#drain();
    return this.#stopped;
  }

  /** Kills what runs now instead of waiting for it; those runs are reported as crashed. */
  async kill(): Promise<void> {
    this.#killed.abort();
    await this.stop();
  }

  #accept(lease: Lease): void {
    const { runs, supervisor, logger } = this.#parts;
    const { runId, epoch } = lease;
    if (!this.#replays.admit(lease)) {
      logger.error({ runId, epoch }, "the plane handed out a lease a second time; it is not run");
      return;
    }
    const run = new RunSupervisor(supervisor, lease);
    runs.add(run);
    logger.debug({ runId, epoch }, "leased");
    // A reported run stays in the table until its end is acknowledged: see RunTable.settle().
    void run.live().then((result) => {
      if (result !== "reported") runs.remove(lease);
    });
  }

  #keepHouse(): void {
    this.#ticks += 1;
    if (this.#stopped !== undefined) return;
    const stale = this.#parts.runs
      .all()
      .filter((run) => !run.hasBegun && run.waitedMs() > STALE_AFTER_MS && run.isQueued);
    void this.#giveBack(stale, false);
  }

  async #giveBack(
    runs: readonly RunSupervisor[],
    endSession: boolean,
    unseen: readonly Lease[] = [],
  ): Promise<void> {
    const leases = [...unseen, ...runs.filter((run) => run.release()).map(({ lease }) => lease)];
    if (leases.length > 0 || endSession) await release(this.#parts, leases, endSession);
  }

  async #drain(): Promise<void> {
    const { logger, runs, outbox, launcher, shipper, drainSeconds, stopping, close, supervisor } =
      this.#parts;
    const { crashHooks } = supervisor;
    logger.info({ runs: runs.size, drainSeconds }, "draining");
    const unseen = await this.#claims.stop();
    await this.#giveBack(runs.all(), false, unseen);
    const isIdle = () => runs.all().every((run) => run.isOver) && crashHooks.size === 0;
    if (!(await holdsWithin(isIdle, drainSeconds * 1000, this.#killed.signal))) {
      for (const run of runs.all()) run.kill();
      logger.warn({ runs: runs.size }, "killing what still runs");
    }
    const never = new AbortController().signal;
    await holdsWithin(isIdle, LAST_DELIVERY_MS, never);
    crashHooks.stop();
    await holdsWithin(() => crashHooks.size === 0 && outbox.size === 0, LAST_DELIVERY_MS, never);
    clearInterval(this.#housekeeping);
    await this.#beats.stop();
    supervisor.leaseGuard.close();
    // While ends are undelivered the session stays: ended now, it would close those runs before their ends arrive.
    if (outbox.size === 0) await this.#giveBack([], true);
    stopping.abort();
    await Promise.all([shipper.stop(), launcher.close()]);
    await close();
    logger.info({ undelivered: outbox.size }, "stopped");
  }
}
