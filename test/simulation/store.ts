import type { Actor, PausePoint, StateName, StateReasonCode, StateType } from "@downbeat/contract";
import type { Fence } from "@downbeat/testkit/history";

/** A transition as a report carries it. */
export type ReportedTransition = Fence & {
  readonly transitionId: string;
  readonly type: StateType;
  readonly name: StateName;
  readonly reason: StateReasonCode;
  /** With PAUSED: what the run waits for. */
  readonly pause?: PausePoint;
};

export type Outcome = { readonly status: string; readonly stands: StateType | null };

export type Moved = {
  readonly runId: string;
  readonly type: StateType;
  readonly name: StateName;
  readonly reason: StateReasonCode;
};

export type Owned = { readonly runId: string; readonly epoch: number; readonly type: StateType };

/** `open` is false when the session ended, is unknown, or belongs to someone else; `renewed` when no later beat came before. */
export type BeatAnswer = {
  readonly open: boolean;
  readonly renewed: boolean;
  readonly owned: readonly Owned[];
};

export type NewDueRun = {
  readonly key: string;
  readonly requestHash: string;
  /** Null: now. */
  readonly scheduledForMs: number | null;
  readonly actor: Actor;
};

export type Created =
  | { readonly status: "created" | "standing"; readonly runId: string }
  | { readonly status: "mismatch" };

/** A lease, with the keys of the pause points that were given something. */
export type Leased = Fence & { readonly inputs: readonly string[] };

/** What a claim gives; `session_ended` when the session is not open. */
export type Claimed = readonly Leased[] | "session_ended";

/** What a person says: the run may go on from this pause point. */
export type Resume = { readonly runId: string; readonly point: string };

export type NewSession = {
  readonly agentId: string;
  readonly poolId: string;
  readonly capacity: number;
  readonly leaseMs: number;
};

export type Claim = {
  readonly sessionId: string;
  readonly agentId: string;
  readonly claimRequestId: string;
  readonly max: number;
};

export type Beat = { readonly sessionId: string; readonly agentId: string; readonly tick: number };

export type SweepTimes = { readonly reconnectWindowMs: number; readonly cancelDeadlineMs: number };

type Result<T> = T | Promise<T>;

/**
 * What the plane's rules need of a store: each method is one transaction, and the clock is an argument. The simulation
 * runs on the one in memory; the differential test compares that with the real database.
 */
export type Store = {
  createRun: (run: NewDueRun, nowMs: number) => Result<Created>;
  /** Makes a run for a claim that waits: it is given to it if the claim would get it right behind and nothing else is due or limited. */
  createRunFor: (
    run: NewDueRun,
    claim: Claim,
    nowMs: number,
  ) => Result<{ created: Created; leases: readonly Leased[] }>;
  openSession: (session: NewSession, nowMs: number) => Result<{ sessionId: string; epoch: number }>;
  claimRuns: (claim: Claim, nowMs: number) => Result<Claimed>;
  report: (items: readonly ReportedTransition[], actor: Actor, nowMs: number) => Result<Outcome[]>;
  heartbeat: (beat: Beat, leaseMs: number, nowMs: number) => Result<BeatAnswer>;
  releaseRuns: (
    release: { sessionId: string; runs: readonly Fence[]; actor: Actor },
    nowMs: number,
  ) => Result<Moved[]>;
  endSessions: (
    end: { sessionIds: readonly string[]; agentId: string; actor: Actor },
    nowMs: number,
  ) => Result<Moved[]>;
  cancelRun: (runId: string, actor: Actor, nowMs: number) => Result<Outcome>;
  resumeRun: (resume: Resume, actor: Actor, nowMs: number) => Result<Outcome>;
  sweepPauses: (nowMs: number) => Result<Moved[]>;
  sweep: (times: SweepTimes, nowMs: number) => Result<Moved[]>;
  markLate: (lateAfterMs: number, nowMs: number) => Result<Moved[]>;
};
