import type { Actor, StateReasonCode } from "@downbeat/contract";
import { applyMoves, toMove, type Move, type MovedRun } from "../engine-move.ts";
import type { Tx } from "../transaction.ts";
import { databaseNow } from "./database-now.ts";
import { lockSessionRuns } from "./lock-session-runs.ts";

export type EndSessions = {
  readonly sessionIds: readonly string[];
  /** Only sessions of this agent or API key are ended. */
  readonly principalId: string;
  readonly actor: Actor;
  /** What becomes of runs whose user code had started. Default: `agent_restarted`, their process is gone. */
  readonly reason?: StateReasonCode;
  readonly now?: Date | null;
};

/**
 * Ends sessions. What they still hold is settled at once: unstarted runs go back to the queue, started ones are CRASHED,
 * those being cancelled are CANCELLED. Ending twice changes nothing.
 *
 * Returns the runs that moved. Locks: the agent_session rows, then live_run rows in order of run id.
 * Indexes: agent_session_pkey, live_run_session_idx.
 */
export async function endSessions(tx: Tx, request: EndSessions): Promise<MovedRun[]> {
  const ended = await markEnded(tx, request);
  if (ended.length === 0) return [];
  const rows = await lockSessionRuns(tx, ended);
  if (rows.length === 0) return [];
  const by = { actor: request.actor, at: await databaseNow(tx, request.now) };
  const reason = request.reason ?? "agent_restarted";
  return applyMoves(
    tx,
    rows.map((row) => toMove(row, settle(row.state_type, reason), by)),
    by.at,
  );
}

async function markEnded(tx: Tx, { sessionIds, principalId, now }: EndSessions): Promise<string[]> {
  if (sessionIds.length === 0) return [];
  const rows = await tx.prisma.$queryRaw<{ id: string }[]>`
    update agent_session
    set ended_at = coalesce(${now ?? null}::timestamptz, now())
    where workspace_id = ${tx.workspaceId}::uuid and id = any(${sessionIds}::uuid[]) and ended_at is null
      and ${principalId}::uuid in (agent_id, api_key_id)
    returning id`;
  return rows.map(({ id }) => id);
}

function settle(stateType: string, reason: StateReasonCode): Move {
  if (stateType === "PENDING") return { type: "SCHEDULED", name: "Scheduled", reason: "released" };
  if (stateType === "CANCELLING") return { type: "CANCELLED", name: "Cancelled", reason };
  return { type: "CRASHED", name: "Crashed", reason };
}
