import type { Lease } from "@downbeat/contract";
import type { BriefFlows } from "./launchers/brief-flows.ts";
import type { Launcher } from "./launchers/launcher.ts";
import type { WorkerProcess } from "./launchers/worker-process.ts";
import type { LeaseGuard } from "./lease-guard.ts";

export type ProcessParts = {
  readonly launcher: Launcher;
  readonly leaseGuard: LeaseGuard;
  readonly briefFlows: BriefFlows;
};

/** A process for one run. */
export type RunProcess = {
  readonly worker: WorkerProcess;
  /** Whether it was killed because the lease of its exclusive run ended. */
  readonly isLeaseEnded: () => boolean;
  readonly giveBack: () => void;
};

/**
 * Takes a process for a run, and has it guarded when the run is exclusive. Brief runs share one: they run behind each other.
 *
 * @throws LaunchError when no process could be started; Error when there is nobody to guard it
 */
export async function takeProcess(
  { launcher, leaseGuard, briefFlows }: ProcessParts,
  lease: Lease,
): Promise<RunProcess> {
  const worker = await launcher.take(!lease.exclusive && briefFlows.isBrief(flowOf(lease)));
  try {
    const guarded = lease.exclusive ? await leaseGuard.guard(worker.pid) : undefined;
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

/** What runs of one kind have in common. */
export function flowOf({ flowName, deploymentName }: Lease): string {
  return `${flowName}/${deploymentName}`;
}
