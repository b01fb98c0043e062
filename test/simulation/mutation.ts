/** A safeguard left out, to prove that the simulation would notice. Switches of the simulated parts only. */
export type Mutation =
  /** The plane does not compare epoch and token of a report. */
  | "ignore_fence"
  /** The sweep does not rest after the plane was away. */
  | "no_amnesty"
  /** A repeated claim is answered like a new one. */
  | "claims_forgotten"
  /** An agent that drains stops its heartbeats. */
  | "no_drain_beats"
  /** A claim of a lapsed session is refused as if the session had ended. */
  | "lapse_ends_session"
  /** A drained agent ends its session before what it saw has arrived. */
  | "end_before_delivery"
  /** A retry by the policy does not spend its budget. */
  | "budget_unspent"
  /** Leases that no heartbeat names stay with the session. */
  | "absent_runs_stay"
  /** A call to resume is taken for whichever pause point the run waits at. */
  | "resume_ignores_point"
  /** A run that is suspended keeps its lease. */
  | "suspended_keeps_lease"
  /** Nobody looks for paused runs whose time is up. */
  | "pauses_unswept"
  /** A queue's limit is not looked at. */
  | "queue_unlimited"
  /** What waits in a paused queue or pool is claimed all the same. */
  | "pause_unheeded";

export type Mutations = ReadonlySet<Mutation>;
