import type { StateName, StateType } from "@downbeat/contract";
import { plainColumn } from "../array-literal.ts";
import type { Tx } from "../transaction.ts";

export type Beat = {
  readonly sessionId: string;
  /** The agent or API key that beats. */
  readonly principalId: string;
  readonly tick: number;
};

/** A session after its beat; `open` is false when it ended, is unknown, or belongs to someone else. */
export type BeatAnswer = {
  readonly sessionId: string;
  readonly open: boolean;
  /** Whether the beat was newer than any before: only then does its list of runs tell the present. */
  readonly renewed: boolean;
  readonly ownedRuns: readonly OwnedRun[];
  /** Ids of owned runs that are to be cancelled. */
  readonly cancel: readonly string[];
};

export type OwnedRun = {
  readonly runId: string;
  readonly epoch: number;
  readonly stateType: StateType;
  readonly stateName: StateName;
};

type Row = {
  session_id: string;
  renewed: boolean;
  runs: { id: string; epoch: number; type: string; name: string }[];
};

/**
 * Renews the leases of sessions: one row each, whatever the number of their runs, since a run's lease is its session's.
 * A beat whose tick has not risen renews nothing: the timer is alive but the agent's main loop is not.
 *
 * Returns one answer per beat, in order. Locks: the agent_session rows, in order of id.
 * Indexes: agent_session_pkey, live_run_session_idx.
 */
export async function heartbeat(
  tx: Tx,
  beats: readonly Beat[],
  options: { leaseSeconds: number; now?: Date | null },
): Promise<BeatAnswer[]> {
  const now = options.now ?? null;
  const rows = await tx.prisma.$queryRaw<Row[]>`/* prepared */
    with beat as (
      select s.id, max(given.tick) as tick, coalesce(${now}::timestamptz, now()) as at
      from unnest(
        ${plainColumn(beats.map(({ sessionId }) => sessionId))}::uuid[],
        ${plainColumn(beats.map(({ principalId }) => principalId))}::uuid[],
        ${plainColumn(beats.map(({ tick }) => tick))}::bigint[]
      ) as given (session_id, principal_id, tick)
      join agent_session s on (s.workspace_id = ${tx.workspaceId}::uuid) is true and s.id = given.session_id
        and given.principal_id in (s.agent_id, s.api_key_id)
      group by s.id
    ),
    locked as materialized (
      select s.id, beat.tick, beat.at, beat.tick > s.tick as newer from agent_session s join beat on beat.id = s.id
      where (s.workspace_id = ${tx.workspaceId}::uuid) is true and s.ended_at is null
      order by s.id
      for no key update of s
    ),
    renewed as (
      update agent_session s
      set heartbeat_at = locked.at, tick = greatest(s.tick, locked.tick),
        lease_expires_at = case when locked.newer
          then locked.at + make_interval(secs => ${options.leaseSeconds}::double precision) else s.lease_expires_at end
      from locked
      where s.id = locked.id
      returning s.id, locked.newer
    )
    select renewed.id as session_id, renewed.newer as renewed, coalesce((
      select jsonb_agg(jsonb_build_object('id', l.run_id, 'epoch', l.epoch, 'type', l.state_type, 'name', l.state_name)
        order by l.run_id)
      from live_run l where (l.workspace_id = ${tx.workspaceId}::uuid) is true and l.session_id = renewed.id
    ), '[]') as runs
    from renewed`;
  const bySession = new Map(rows.map((row) => [row.session_id, row]));
  return beats.map(({ sessionId }) => toAnswer(sessionId, bySession.get(sessionId)));
}

function toOwnedRun(run: Row["runs"][number]): OwnedRun {
  return {
    runId: run.id,
    epoch: run.epoch,
    stateType: run.type as StateType,
    stateName: run.name as StateName,
  };
}

function toAnswer(sessionId: string, row: Row | undefined): BeatAnswer {
  const ownedRuns = row?.runs.map(toOwnedRun) ?? [];
  const cancel = ownedRuns
    .filter(({ stateType }) => stateType === "CANCELLING")
    .map(({ runId }) => runId);
  return { sessionId, open: row !== undefined, renewed: row?.renewed ?? false, ownedRuns, cancel };
}
