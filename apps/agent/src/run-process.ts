import type { Lease } from "@downbeat/contract";
import type { Launcher } from "./launchers/launcher.ts";
import type { WorkerProcess } from "./launchers/worker-process.ts";
import type { LeaseGuard } from "./lease-guard.ts";

export type ProcessParts = { readonly launcher: Launcher; readonly leaseGuard: LeaseGuard };

/** A process for one run. */
export type RunProcess = {
  readonly worker: WorkerProcess;
  /** Whether it was killed because the lease of its exclusive run ended. */
  readonly isLeaseEnded: () => boolean;
  readonly giveBack: () => void;
};

/**
 * Takes a process for a run, and has it guarded when the run is exclusive.
 *
 * @throws LaunchError when no process could be started; Error when there is nobody to guard it
 */
export async function takeProcess(
  { launcher, leaseGuard }: ProcessParts,
  { exclusive }: Lease,
): Promise<RunProcess> {
  const worker = await launcher.take();
  try {
    const guarded = exclusive ? await leaseGuard.guard(worker.pid) : undefined;
    return {
      worker,
      isLeaseEnded: () => guarded?.isKilled() === true,
      giveBack: () => {
        guarded?.release();
        launcher.giveBack(worker);
      },
    };
  } catch (error) {
    launcher.giveBack(worker);
    throw error;
  }
}
