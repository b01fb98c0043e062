import type { Actor, RunError, StateName, StateReasonCode, StateType } from "@downbeat/contract";
import { uuidv7 } from "uuidv7";
import type { Transition } from "./sql/apply-transitions.ts";
import type { LockedRunRow } from "./sql/locked-run-row.ts";

/** A transition that needs no proposal: the engine, or a session that ends, moves a locked run along. */
export type Move = {
  readonly type: StateType;
  readonly name: StateName;
  readonly reason: StateReasonCode;
};

/** A run that was moved, for whoever wakes waiters and writes logs. */
export type MovedRun = Move & {
  readonly runId: string;
  readonly workspaceId: string;
  readonly poolId: string | null;
  readonly sessionId: string | null;
};

export const engine: Actor = { kind: "engine", id: null };

export function toTransition(
  row: LockedRunRow,
  move: Move,
  by: { actor: Actor; at: Date },
): Transition {
  return {
    runId: row.run_id,
    workspaceId: row.workspace_id,
    epoch: row.epoch,
    sequence: row.state_sequence + 1,
    transitionId: uuidv7(),
    state: { type: move.type, name: move.name, at: by.at.toISOString() },
    reason: move.reason,
    error: move.type === "CRASHED" ? crash : null,
    actor: by.actor,
  };
}

export function toMovedRun(row: LockedRunRow, move: Move): MovedRun {
  return {
    ...move,
    runId: row.run_id,
    workspaceId: row.workspace_id,
    poolId: row.pool_id,
    sessionId: row.session_id,
  };
}

// The engine knows that the agent is gone, not what user code did.
const crash: RunError = {
  class: "AgentLost",
  exitCode: null,
  signal: null,
  fingerprint: null,
  detail: null,
};
