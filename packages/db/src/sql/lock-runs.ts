import type { PausePoint, State } from "@downbeat/contract";
import type { RetryBudget, RunSnapshot } from "@downbeat/core";
import { plainColumn } from "../array-literal.ts";
import type { Tx } from "../transaction.ts";

/** A run as it stands, locked if it is live: what the rules of `core` decide on, and what the API needs beside. */
export type LockedRun = RunSnapshot & {
  /** False once terminal: nothing about it will change. */
  readonly live: boolean;
  /** These two are null once it is terminal. */
  readonly sessionId: string | null;
  readonly poolId: string | null;
  /** What it waits for while PAUSED. */
  readonly pause: PausePoint | null;
};

type Row = {
  run_id: string;
  epoch: number;
  lease_token: string | null;
  state_type: string;
  state_name: string;
  state_at: string;
  state_sequence: number;
  /** The array as PostgreSQL writes it: whether an id is in it shows without taking it apart. */
  recent_transition_ids: string;
  /** This and what follows of live runs only. */
  session_id?: string | null;
  pool_id?: string | null;
  retry?: RetryBudget | null;
  pause?: PausePoint | null;
};

/**
 * Locks live runs and reads finished ones.
 *
 * Returns a map by run id; ids that are not in this workspace are absent. A finished run keeps its epoch, lease token and
 * newest transition ids, so that late logs and repeated reports are recognised.
 * Locks: live_run rows, for update, in order of run id; every other statement that locks several keeps that order.
 * Indexes: live_run_pkey, ended_run_pkey.
 */
export async function lockRuns(
  tx: Tx,
  runIds: readonly string[],
  { transitionIds = [] }: LockOptions = {},
): Promise<Map<string, LockedRun>> {
  const ids = [...new Set(runIds)];
  const live = await lockLive(tx, ids);
  // Read after the lock: a run that finished while we waited for it is terminal in this statement's snapshot.
  const finished = live.length < ids.length ? await readFinished(tx, ids) : [];
  const older = await readOlderTransitions(tx, [...live, ...finished], transitionIds);
  const runs = new Map<string, LockedRun>();
  for (const row of finished) runs.set(row.run_id, toLockedRun(row, { live: false, older }));
  for (const row of live) runs.set(row.run_id, toLockedRun(row, { live: true, older }));
  return runs;
}

export type LockOptions = {
  /** Transitions that will be proposed; those accepted long ago are looked up in the history. */
  readonly transitionIds?: readonly string[];
};

// A run remembers its newest transition ids. Only one with a longer history costs this look.
async function readOlderTransitions(
  tx: Tx,
  rows: readonly Row[],
  transitionIds: readonly string[],
): Promise<Map<string, string[]>> {
  const ids = rows
    .filter((row) => row.state_sequence > REMEMBERED && countIds(row) >= REMEMBERED)
    .map((row) => row.run_id);
  if (ids.length === 0 || transitionIds.length === 0) return new Map();
  const known = await tx.prisma.$queryRaw<{ run_id: string; transition_ids: string[] }[]>`
    select run_id, array_agg(transition_id) as transition_ids
    from run_state
    where workspace_id = ${tx.workspaceId}::uuid and run_id = any(${ids}::uuid[])
      and transition_id = any(${transitionIds}::uuid[])
    group by run_id`;
  return new Map(known.map((row) => [row.run_id, row.transition_ids]));
}

// As apply-transitions.ts keeps them.
const REMEMBERED = 32;

// "{}", or ids of 36 characters with commas between.
function countIds({ recent_transition_ids: { length } }: Row): number {
  return Math.floor((length - 1) / 37);
}

function lockLive(tx: Tx, ids: readonly string[]): Promise<Row[]> {
  return tx.prisma.$queryRaw<Row[]>`/* prepared */
    select run_id, epoch, lease_token, state_type, state_name, state_at::text, state_sequence,
      recent_transition_ids::text, session_id, pool_id, retry, pause
    from live_run
    where (workspace_id = ${tx.workspaceId}::uuid) is true and run_id = any(${plainColumn(ids)}::uuid[])
    order by run_id
    for update`;
}

function readFinished(tx: Tx, ids: readonly string[]): Promise<Row[]> {
  return tx.prisma.$queryRaw<Row[]>`/* prepared */
    select run_id, epoch, lease_token, state_type, state_name, state_at::text, state_sequence,
      recent_transition_ids::text
    from ended_run
    where (workspace_id = ${tx.workspaceId}::uuid) is true and run_id = any(${plainColumn(ids)}::uuid[])`;
}

type Known = { readonly live: boolean; readonly older: ReadonlyMap<string, readonly string[]> };

function toLockedRun(row: Row, { live, older }: Known): LockedRun {
  const newest = row.recent_transition_ids;
  const before = older.get(row.run_id);
  return {
    runId: row.run_id,
    epoch: row.epoch,
    leaseToken: row.lease_token,
    state: { type: row.state_type, name: row.state_name, at: toInstant(row.state_at) } as State,
    sequence: row.state_sequence,
    knownTransitionIds: {
      has: (id) => newest.includes(id.toLowerCase()) || before?.includes(id) === true,
    },
    live,
    sessionId: row.session_id ?? null,
    poolId: row.pool_id ?? null,
    retry: row.retry ?? null,
    pause: row.pause ?? null,
  };
}

// The zone is UTC in every transaction. "2026-11-22 15:04:05.12+00" → "2026-11-22T15:04:05.120Z", without a Date between.
function toInstant(text: string): string {
  const fraction = text.slice(20, -3);
  return `${text.slice(0, 10)}T${text.slice(11, 19)}.${fraction.padEnd(3, "0")}Z`;
}
