import { fork, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { FromGuardian, ToGuardian } from "./lease-guardian.ts";
import { signalGroup } from "./process-group.ts";

export type LeaseGuardOptions = {
  /** Node's own options for the guardian, as for the processes that run flows. */
  readonly execArgv: readonly string[];
};

/** A guarded process group. */
export type Guarded = {
  /** Whether the guardian has killed it because the lease ended. */
  readonly isKilled: () => boolean;
  readonly release: () => void;
};

/** How long before the plane may take the lease for lapsed the processes are dead. */
const LONGEST_MARGIN_MS = 1_000;
const GUARDIAN_START_TIMEOUT_MS = 10_000;
const GUARDIAN = fileURLToPath(
  new URL(`./lease-guardian.${import.meta.url.endsWith(".ts") ? "ts" : "js"}`, import.meta.url),
);

/**
 * Sees to it that the process of an exclusive run is dead before the plane can give the run to another agent. It counts
 * from before each request that renewed the lease, so it is always early, whatever the network did.
 */
export class LeaseGuard {
  readonly #options: LeaseGuardOptions;
  readonly #killed = new Set<number>();
  readonly #guarded = new Map<number, () => void>();
  #guardian: ChildProcess | undefined;
  #untilMs = 0;

  constructor(options: LeaseGuardOptions) {
    this.#options = options;
  }

  /** The plane has renewed the session's lease, upon a request sent then (`performance.now()`). */
  renewed(sentAtMs: number, leaseSeconds: number): void {
    const leaseMs = leaseSeconds * 1000;
    const agoMs = performance.now() - sentAtMs;
    const untilMs = sharedNowMs() - agoMs + leaseMs - Math.min(LONGEST_MARGIN_MS, leaseMs / 10);
    this.#untilMs = Math.max(this.#untilMs, untilMs);
    this.#tell({ type: "renew", untilMs: this.#untilMs });
  }

  /**
   * Guards a process group from now on; nothing may run in it before this resolves.
   *
   * @throws Error when the guardian does not start
   */
  async guard(pid: number): Promise<Guarded> {
    this.#guardian ??= this.#start();
    this.#killed.delete(pid);
    const confirmed = new Promise<void>((resolve, reject) => {
      const late = setTimeout(
        () => reject(new Error("The guardian of exclusive runs did not start.")),
        GUARDIAN_START_TIMEOUT_MS,
      );
      this.#guarded.set(pid, () => {
        clearTimeout(late);
        resolve();
      });
    });
    this.#tell({ type: "renew", untilMs: this.#untilMs });
    this.#tell({ type: "guard", pid });
    const release = (): void => {
      this.#guarded.delete(pid);
      this.#tell({ type: "release", pid });
    };
    await confirmed.catch((error: unknown) => {
      release();
      throw error;
    });
    return { isKilled: () => this.#killed.has(pid), release };
  }

  /** Ends the guardian; what it still guards is killed. */
  close(): void {
    const guardian = this.#guardian;
    this.#guardian = undefined;
    if (guardian?.connected === true) guardian.disconnect();
  }

  #start(): ChildProcess {
    const guardian = fork(GUARDIAN, {
      execArgv: [...this.#options.execArgv],
      env: {},
      // A group of its own: a signal from the agent's terminal does not reach it.
      detached: true,
      stdio: ["ignore", "ignore", "ignore", "ipc"],
    });
    guardian.on("message", (message: FromGuardian) => this.#hear(message));
    // Nobody would watch over them any more.
    guardian.once("exit", () => this.#lose(guardian));
    guardian.on("error", () => this.#lose(guardian));
    guardian.unref();
    return guardian;
  }

  #hear({ type, pid }: FromGuardian): void {
    if (type === "killed") this.#killed.add(pid);
    else this.#guarded.get(pid)?.();
  }

  #lose(guardian: ChildProcess): void {
    if (this.#guardian !== guardian) return;
    this.#guardian = undefined;
    for (const pid of this.#guarded.keys()) {
      this.#killed.add(pid);
      signalGroup(pid, "SIGKILL");
    }
  }

  #tell(message: ToGuardian): void {
    if (this.#guardian?.connected === true) this.#guardian.send(message, () => {});
  }
}

/** The monotonic clock that all processes of a machine share. */
function sharedNowMs(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}
