import { BATCH_LIMIT, type Lease } from "@downbeat/contract";
import { ClaimLoop } from "../session/claim-loop.ts";
import { HeartbeatLoop } from "../session/heartbeat-loop.ts";
import { pause } from "../session/pause.ts";
import { SignedInputs } from "../session/signed-inputs.ts";
import { warnOnce } from "../standalone/warn-once.ts";
import type { ServeConnection } from "./register.ts";
import type { TrustedSigners } from "@downbeat/seal/node";
import { ReplayGuard } from "./replay-guard.ts";
import { ReportQueue } from "./report-queue.ts";
import { SERVE_BACKOFF, serveLink } from "./serve-link.ts";
import { ServeSession } from "./serve-session.ts";
import { labelOf, nameOfServed, type ServedFlow } from "./served-flow.ts";
import { ServedRun } from "./served-run.ts";
import { ServedRuns } from "./served-runs.ts";

export type ServeLoopOptions = {
  readonly connection: ServeConnection;
  readonly flows: readonly ServedFlow[];
  /** Most runs at once. */
  readonly concurrency: number;
  /** Whose signatures an input of a pause point takes; undefined: nobody's. */
  readonly signers: TrustedSigners | undefined;
  /** The plane asks to stop. */
  readonly onDrain: () => void;
};

const TICK_MS = 1_000;
const FULL_CHECK_MS = 1_000;
const LAST_DELIVERY_MS = 5_000;
const RELEASE_TIMEOUT_MS = 5_000;

/**
 * One process that serves flows: claims, executes, reports, keeps its leases alive. The same protocol as the agent's, with
 * the same fences.
 */
export class ServeLoop {
  readonly #options: ServeLoopOptions;
  readonly #flows: ReadonlyMap<string, ServedFlow>;
  readonly #session: ServeSession;
  readonly #reports: ReportQueue;
  readonly #runs = new ServedRuns();
  readonly #replays = new ReplayGuard();
  readonly #signedInputs: SignedInputs | undefined;
  readonly #claims: ClaimLoop;
  readonly #beats: HeartbeatLoop;
  #ticks = 0;
  #ticking: NodeJS.Timeout | undefined;

  constructor(options: ServeLoopOptions) {
    const { connection, concurrency, flows, onDrain, signers } = options;
    const { client, keys } = connection;
    this.#options = options;
    const { workspaceId } = keys;
    this.#signedInputs =
      signers === undefined ? undefined : new SignedInputs({ signers, workspaceId });
    this.#flows = new Map(flows.map((flow) => [nameOfServed(flow), flow]));
    this.#reports = new ReportQueue({ client });
    this.#session = new ServeSession({
      client,
      describe: () => ({
        capacity: concurrency,
        labels: flows.map(labelOf),
        version: "serve",
        dataKeys: [keys.wrappedDataKey],
      }),
    });
    const parts = { ...serveLink(client, this.#session), onDrain };
    const tick = () => this.#ticks + this.#claims.turns + this.#reports.delivered;
    this.#claims = new ClaimLoop({
      ...parts,
      backoff: SERVE_BACKOFF,
      room: () => (this.#reports.isFull ? 0 : Math.min(BATCH_LIMIT, concurrency - this.#runs.size)),
      roomChange: (signal) =>
        pause(FULL_CHECK_MS, AbortSignal.any([signal, this.#runs.nextChange()])),
      holds: (lease) => this.#runs.has(lease),
      onLease: (lease) => this.#begin(lease),
      onEarlyAnswer: () => this.#beats.beatNow(),
      idleTick: () => (this.#runs.size === 0 ? tick() : undefined),
      onCarried: (carried, sentAtMs) => this.#beats.carried(carried, sentAtMs),
    });
    this.#beats = new HeartbeatLoop({
      ...parts,
      runs: this.#runs,
      awayBeatMs: SERVE_BACKOFF.maxMs,
      onRenewed: () => void keys.tend(),
      tick,
      isAsking: () => this.#claims.isAsking,
      carriedUntilMs: () => this.#claims.carriesUntilMs,
    });
  }

  /** @throws DownbeatError when no session can be opened */
  async start(): Promise<void> {
    await this.#session.open([]);
    this.#ticking = setInterval(() => (this.#ticks += 1), TICK_MS);
    this.#claims.start();
    this.#beats.start();
  }

  /**
   * Takes no more, gives back what has not begun, lets what runs finish for so long, reports the rest as crashed, delivers,
   * and ends the session.
   */
  async stop(drainMs: number): Promise<void> {
    const unseen = await this.#claims.stop();
    const unbegun = this.#runs.all().filter((run) => run.release());
    await this.#release([...unseen, ...unbegun.map(({ lease }) => lease)]);
    await holdsWithin(() => this.#runs.size === 0, drainMs);
    await Promise.all(this.#runs.all().map((run) => run.leave()));
    await holdsWithin(() => this.#reports.size === 0, LAST_DELIVERY_MS);
    const lost = this.#reports.stop();
    if (lost > 0) warnOnce("the plane is away", `${lost} reports were not delivered`);
    clearInterval(this.#ticking);
    await this.#beats.stop();
    // The plane ends what it has not been told of: nobody can report that any more.
    await this.#call([], true);
  }

  #begin(lease: Lease): void {
    if (!this.#replays.admit(lease)) return;
    const { client, keys } = this.#options.connection;
    const served = this.#flows.get(`${lease.flowName}/${lease.deploymentName}`);
    const parts = {
      client,
      keys,
      reports: this.#reports,
      definition: served?.definition,
      signedInputs: this.#signedInputs,
    };
    const run = new ServedRun(lease, parts);
    this.#runs.add(run);
    void run.live().then(() => this.#runs.remove(run));
  }

  async #release(leases: Lease[]): Promise<void> {
    while (leases.length > 0) await this.#call(leases.splice(0, BATCH_LIMIT), false);
  }

  async #call(leases: readonly Lease[], endSession: boolean): Promise<void> {
    const runs = leases.map(({ runId, epoch, leaseToken }) => ({ runId, epoch, leaseToken }));
    // The process was this agent: nobody comes back as it.
    const body = { sessionId: this.#session.id, runs, endSession, leave: endSession };
    const signal = AbortSignal.timeout(RELEASE_TIMEOUT_MS);
    // Not answered: the leases lapse by themselves.
    await this.#options.connection.client.call("release", { body }, { signal }).catch(() => {});
  }
}

async function holdsWithin(condition: () => boolean, limitMs: number): Promise<void> {
  const untilMs = performance.now() + limitMs;
  while (!condition() && performance.now() < untilMs) await pause(20);
}
