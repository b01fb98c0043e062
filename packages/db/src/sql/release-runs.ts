import type { Actor } from "@downbeat/contract";
import { applyMoves, toMove, type Move, type MovedRun } from "../engine-move.ts";
import type { Tx } from "../transaction.ts";
import { databaseNow } from "./database-now.ts";
import { lockSessionRuns } from "./lock-session-runs.ts";

export type ReleaseRuns = {
  readonly sessionId: string;
  readonly runs: readonly {
    readonly runId: string;
    readonly epoch: number;
    readonly leaseToken: string;
  }[];
  readonly actor: Actor;
  readonly now?: Date | null;
};

const back: Move = { type: "SCHEDULED", name: "Scheduled", reason: "released" };

/**
 * Gives unstarted leases back to the queue. A run that has started, or whose lease is another's by now, stays as it is.
 *
 * Returns the runs that went back. Locks: the session's live_run rows, in order of run id. Index: live_run_session_idx.
 */
export async function releaseRuns(tx: Tx, request: ReleaseRuns): Promise<MovedRun[]> {
  if (request.runs.length === 0) return [];
  const fences = new Map(request.runs.map((fence) => [fence.runId, fence]));
  const rows = (await lockSessionRuns(tx, [request.sessionId])).filter((row) => {
    const fence = fences.get(row.run_id);
    return (
      row.state_type === "PENDING" &&
      fence?.epoch === row.epoch &&
      fence.leaseToken === row.lease_token
    );
  });
  if (rows.length === 0) return [];
  const by = { actor: request.actor, at: await databaseNow(tx, request.now) };
  return applyMoves(
    tx,
    rows.map((row) => toMove(row, back, by)),
    by.at,
  );
}
