import { DownbeatError, type StateType } from "@downbeat/contract";
import type { Tx } from "../transaction.ts";

export type Fence = {
  readonly runId: string;
  readonly epoch: number;
  readonly leaseToken: string;
};

/**
 * Makes sure that a run stays held under this epoch and token until the transaction ends.
 *
 * Returns the session that holds it and the state it is in. Locks: the live_run row, for share. Index: live_run_pkey.
 *
 * @throws DownbeatError `fenced` when it is not held so.
 */
export async function shareHeldRun(
  tx: Tx,
  { runId, epoch, leaseToken }: Fence,
): Promise<{ readonly sessionId: string; readonly stateType: StateType }> {
  const [run] = await tx.prisma.$queryRaw<
    { session_id: string; state_type: StateType }[]
  >`/* prepared */
    select session_id, state_type from live_run
    where workspace_id = ${tx.workspaceId}::uuid and run_id = ${runId}::uuid and epoch = ${epoch}::int
      and lease_token = ${leaseToken}::text
    for share`;
  if (run !== undefined) return { sessionId: run.session_id, stateType: run.state_type };
  throw new DownbeatError("fenced", {
    message: `The run ${runId} is not held under epoch ${epoch}: it ended, or a newer attempt owns it.`,
  });
}
