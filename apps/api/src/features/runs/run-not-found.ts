import { DownbeatError } from "@downbeat/contract";

/** Says the same for a run that never was and for one of another workspace. */
export function runNotFound(runId: string): DownbeatError {
  return new DownbeatError("not_found", { message: `There is no run ${runId} in this workspace.` });
}
