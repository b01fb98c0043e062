import type { Actor, RunError, StateName, StateReasonCode, StateType } from "@downbeat/contract";
import { retryAfter } from "@downbeat/core";
import { uuidv7 } from "uuidv7";
import { applyTransitions, type Transition } from "./sql/apply-transitions.ts";
import type { LockedRunRow } from "./sql/locked-run-row.ts";
import type { EngineTx, Tx } from "./transaction.ts";

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

/** A locked run and the history row that moves it. */
export type RunMove = { readonly row: LockedRunRow; readonly transition: Transition };

/** Moves a locked run; an end within its retry budget becomes the wait for another attempt. */
export function toMove(
  row: LockedRunRow,
  move: Move,
  by: { actor: Actor; at: Date; random?: () => number },
): RunMove {
  const retry = retryAfter(move, row.retry, by.random ?? Math.random);
  const { type, name, reason } = retry === undefined ? move : awaitingRetry;
  const transition: Transition = {
    runId: row.run_id,
    workspaceId: row.workspace_id,
    epoch: row.epoch,
    sequence: row.state_sequence + 1,
    transitionId: uuidv7(),
    state: { type, name, at: by.at.toISOString() },
    reason,
    error: move.type === "CRASHED" ? crash : null,
    actor: by.actor,
    ...(retry !== undefined && { retry }),
  };
  return { row, transition };
}

/** Writes moves of runs that this transaction has locked; `at` is the database's time. */
export async function applyMoves(
  tx: Tx | EngineTx,
  moves: readonly RunMove[],
  at: Date,
): Promise<MovedRun[]> {
  await applyTransitions(
    tx,
    moves.map(({ transition }) => transition),
    { now: at },
  );
  return moves.map(toMovedRun);
}

function toMovedRun({ row, transition: { state, reason } }: RunMove): MovedRun {
  return {
    type: state.type,
    name: state.name,
    reason,
    runId: row.run_id,
    workspaceId: row.workspace_id,
    poolId: row.pool_id,
    sessionId: row.session_id,
  };
}

const awaitingRetry: Move = {
  type: "SCHEDULED",
  name: "AwaitingRetry",
  reason: "retry_scheduled",
};

// The engine knows that the agent is gone, not what user code did.
const crash: RunError = {
  class: "AgentLost",
  exitCode: null,
  signal: null,
  fingerprint: null,
  detail: null,
};
