import { isTerminal, type StateType } from "@downbeat/contract";

/** A history row as the plane stored it. */
export type FinalRow = {
  readonly sequence: number;
  readonly type: StateType;
  readonly name: string;
  readonly atMs: number;
  readonly epoch: number;
  readonly actorKind: string;
  readonly actorId: string | null;
  readonly reason: string;
  /** Null for rows that no proposal made (creation, claim). */
  readonly transitionId: string | null;
  /** Of PAUSED: the key of the pause point, where that is known. */
  readonly point?: string | undefined;
};

export type FinalRun = {
  readonly runId: string;
  readonly poolId: string | null;
  /** Absent where nobody knows. */
  readonly queueName?: string;
  /** Attempts that its retry policy may add; absent where nobody knows. */
  readonly retriesAllowed?: number;
  /** The session that holds it at the end. */
  readonly sessionId: string | null;
  readonly history: readonly FinalRow[];
};

export type FinalSession = {
  readonly sessionId: string;
  readonly agentId: string;
  readonly capacity: number;
  readonly endedAtMs: number | null;
  readonly leaseExpiresAtMs: number;
};

/** A lease the plane granted, whether its agent heard of it or not. */
export type Grant = {
  readonly runId: string;
  readonly epoch: number;
  readonly leaseToken: string;
  readonly sessionId: string;
  readonly claimRequestId: string;
  readonly atMs: number;
};

/** A time during which a queue, or its whole pool (null), was paused. */
export type ClosedTime = {
  readonly name: string | null;
  readonly fromMs: number;
  readonly untilMs: number;
};

/** What the plane holds once everything has come to rest. */
export type FinalState = {
  readonly atMs: number;
  readonly runs: readonly FinalRun[];
  readonly sessions: readonly FinalSession[];
  /** Where the plane's own record of grants can be had; what needs it is left unchecked otherwise. */
  readonly grants?: readonly Grant[];
  /** Highest number of leases at once, by pool. */
  readonly poolLimits: ReadonlyMap<string, number>;
  /** The same by queue, and when what was paused, where the plane's own record can be had. */
  readonly queueLimits?: ReadonlyMap<string, number>;
  readonly closedTimes?: readonly ClosedTime[];
};

/** The time during which one epoch of a run was leased; `untilMs` is the end of the observation while it is held. */
export type Tenure = {
  readonly run: FinalRun;
  readonly epoch: number;
  readonly fromMs: number;
  readonly untilMs: number;
  readonly isOpen: boolean;
};

/** Every lease as a stretch of time, read off the history rows. */
export function tenuresOf(run: FinalRun, endMs: number): Tenure[] {
  const tenures: Tenure[] = [];
  let held: FinalRow | undefined;
  for (const row of run.history) {
    if (held !== undefined && letsGo(row)) {
      tenures.push({ run, epoch: held.epoch, fromMs: held.atMs, untilMs: row.atMs, isOpen: false });
      held = undefined;
    }
    if (row.type === "PENDING") held = row;
  }
  if (held !== undefined)
    tenures.push({ run, epoch: held.epoch, fromMs: held.atMs, untilMs: endMs, isOpen: true });
  return tenures;
}

function letsGo({ type, name }: FinalRow): boolean {
  return type === "SCHEDULED" || name === "Suspended" || isTerminal(type);
}
