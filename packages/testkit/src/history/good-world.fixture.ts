import type { FinalRow, FinalState, Grant } from "./final-state.ts";
import { HistoryLog } from "./history-log.ts";

export const TOKEN = "a".repeat(32);

export type World = { log: HistoryLog; state: Mutable<FinalState>; at: (ms: number) => void };
type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

export const row = (sequence: number, atMs: number, given: Partial<FinalRow> = {}): FinalRow => ({
  sequence,
  type: "SCHEDULED",
  name: "Scheduled",
  atMs,
  epoch: 1,
  actorKind: "agent",
  actorId: "agent-1",
  reason: "created",
  transitionId: null,
  ...given,
});

export const HISTORY: readonly FinalRow[] = [
  row(0, 0, { epoch: 0, actorKind: "api-key", actorId: "client-1" }),
  row(1, 1000, { type: "PENDING", name: "Pending", reason: "claimed" }),
  row(2, 2000, { type: "RUNNING", name: "Running", reason: "started", transitionId: "t1" }),
  row(3, 3000, { type: "COMPLETED", name: "Completed", reason: "completed", transitionId: "t2" }),
];

export const GRANT: Grant = {
  runId: "run-1",
  epoch: 1,
  leaseToken: TOKEN,
  sessionId: "s1",
  claimRequestId: "c1",
  atMs: 1000,
};

/** One run that was triggered, claimed, started and completed as it should be. */
export function aGoodWorld(): World {
  let nowMs = 0;
  const log = new HistoryLog(() => nowMs);
  log.event("plane", "plane", "up");
  log.event("agent-1", "process", "started");
  log.invoke("client-1", "trigger", { key: "k" }).ok({ runId: "run-1" });
  nowMs = 1000;
  const lease = { runId: "run-1", epoch: 1, leaseToken: TOKEN };
  log.invoke("agent-1", "claim", { sessionId: "s1", claimRequestId: "c1" }).ok({ leases: [lease] });
  nowMs = 2000;
  const report = (transitionId: string, type: string) =>
    log
      .invoke("agent-1", "report", { items: [{ ...lease, transitionId, type }] })
      .ok({ statuses: ["accepted"] });
  report("t1", "RUNNING");
  nowMs = 3000;
  report("t2", "COMPLETED");
  const session = {
    sessionId: "s1",
    agentId: "agent-1",
    capacity: 1,
    endedAtMs: null,
    leaseExpiresAtMs: 500_000,
  };
  const state = {
    atMs: 500_000,
    runs: [{ runId: "run-1", poolId: "p", sessionId: null, history: HISTORY }],
    sessions: [session],
    grants: [GRANT],
    poolLimits: new Map([["p", 1]]),
  };
  return { log, state, at: (ms) => void (nowMs = ms) };
}
